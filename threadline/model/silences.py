"""Silences: which incidents nobody is told about for a while, who wanted that, and why."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any, Literal

import re2

Operator = Literal["=", "!=", "=~", "!~"]
SilenceState = Literal["pending", "active", "expired"]

# What an incident can be silenced by. Where a label has few values, they are named: what holds for
# all of them says nothing.
LABELS: Mapping[str, tuple[str, ...]] = {
    "journey": (),
    "step": (),
    "system": (),
    "criticality": ("revenue", "delivery", "reference"),
    "severity": ("warning", "breach", "failure"),
    "policy": (),
    "about": ("case", "step", "hop", "kpi", "value", "source", "growth"),
    "rule": (),
    "contract": (),
    "incident": (),
}
LONGEST_VALUE = 1_000  # characters of a matcher's value
_PATTERN_BYTES = 1 << 20  # what one compiled pattern may take
_NOBODY = "\u2400 no label has this value"


@dataclass(frozen=True, kw_only=True)
class Matcher:
    """A condition on one label, with the operators and the meaning Alertmanager gives them.

    A label that is missing has the value ''. A pattern (`=~`, `!~`) stands for the whole value and
    is in RE2's syntax, which takes time in proportion to the text whatever the pattern. Raises
    `ValueError` for a pattern that RE2 does not read.
    """

    label: str
    op: Operator
    value: str

    def __post_init__(self) -> None:
        if len(self.value) > LONGEST_VALUE:
            raise ValueError(f"a matcher's value has at most {LONGEST_VALUE:,} characters")
        if self.op in ("=~", "!~"):
            _pattern(self.value)

    def __str__(self) -> str:
        return f'{self.label}{self.op}"{self.value}"'

    def matches(self, labels: Mapping[str, str]) -> bool:
        """Whether the condition holds for an incident with these labels."""
        found = labels.get(self.label, "")
        if self.op in ("=", "!="):
            return (found == self.value) == (self.op == "=")
        return bool(_pattern(self.value).fullmatch(found)) == (self.op == "=~")

    @property
    def narrows(self) -> bool:
        """Whether it picks some incidents out: not those without the label, and not just any."""
        known = LABELS.get(self.label) or (_NOBODY,)
        there = all(self.matches({self.label: value}) for value in known)
        return not there and not self.matches({})


@dataclass(frozen=True, kw_only=True)
class Silence:
    """Incidents that all `matchers` hold for are told to nobody over `[starts_at, until)`.

    `who` wanted it, for the reason in `comment`; a maintenance window is one by
    `maintenance/<name>`. `ended_at`: somebody ended it before its time.
    """

    id: str
    matchers: tuple[Matcher, ...]
    starts_at: datetime
    ends_at: datetime
    who: str
    comment: str
    made_at: datetime | None = None
    ended_at: datetime | None = None
    ended_by: str = ""

    @property
    def until(self) -> datetime:
        """When it is over."""
        return self.ends_at if self.ended_at is None else min(self.ended_at, self.ends_at)

    def state(self, at: datetime) -> SilenceState:
        """Whether it is still to come, holds, or is over at `at`."""
        if at >= self.until or self.until <= self.starts_at:
            return "expired"
        return "active" if at >= self.starts_at else "pending"

    def mutes(self, labels: Mapping[str, str], at: datetime) -> bool:
        """Whether nobody is told at `at` about an incident with these labels."""
        held = self.state(at) == "active"
        return held and all(matcher.matches(labels) for matcher in self.matchers)


@lru_cache(maxsize=1024)
def _pattern(text: str) -> Any:
    options = re2.Options()
    options.log_errors = False  # it would write to the terminal what the error says anyway
    options.max_mem = _PATTERN_BYTES
    try:
        return re2.compile(text, options)
    except re2.error as error:
        said = error.args[0] if error.args else "unreadable"
        words = said.decode() if isinstance(said, bytes) else str(said)
        raise ValueError(f"{text!r} is no pattern of RE2's: {words}") from error
