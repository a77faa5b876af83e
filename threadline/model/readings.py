"""What rules on figures, on silence and on growth are judged by."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal

from threadline.model.incidents import CaseKey


@dataclass(frozen=True, kw_only=True)
class Reading:
    """One look, `at` an instant, at what a rule (`policy/rule`) watches.

    `part` tells apart what one rule watches several of: the value of a dimension, a currency, a
    system; '' the whole. The readings of silence belong to no one rule: theirs is ''.

    `value` is the figure in its `unit` (seconds, ratio, cases, or a currency), None when it cannot
    be said: nothing comes of that, neither good nor bad. One that is not `whole` may be worse than
    it looks, because something could not be judged: it ends nothing. `n` is how many cases it was
    computed from. Of a system it is for how many seconds too long nothing was heard, since `since`;
    None and no `since`: it was never heard of.

    `arrivals` are when so many of what grows came, the oldest first, without what was put right
    since.

    `cases`, `breached` and `worth` (by currency, each contract once) are of the cases concerned;
    `hanging` which they are, where an incident keeps them. `journey` is where they are, '' for
    several.
    """

    rule: str
    part: str
    at: datetime
    title: str = ""
    value: Decimal | None = None
    unit: str = ""
    business: bool = False
    whole: bool = True
    n: int = 0
    since: datetime | None = None
    journey: str = ""
    criticality: str = ""
    cases: int = 0
    breached: int = 0
    worth: Mapping[str, str] = field(default_factory=dict)
    hanging: frozenset[CaseKey] | None = None
    arrivals: tuple[tuple[datetime, int], ...] = ()
