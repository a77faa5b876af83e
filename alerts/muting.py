"""Silences and maintenance windows together: whether nobody is told, until when, and why."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from alerts import silences
from alerts.maintenance.windows import Maintenance
from threadline.model.silences import Silence


@dataclass(frozen=True, kw_only=True)
class Mute:
    """Nobody is told before `until`, because of `silence`: its `by` wanted that, for `why`.

    At `until` it is to be asked again: another silence may go on from there.
    """

    until: datetime
    by: str
    why: str
    silence: str


@dataclass(frozen=True)
class Muting:
    """All that mutes: `silences` that people made, and `maintenance`."""

    silences: Iterable[Silence] = ()
    maintenance: Iterable[Maintenance] = ()

    def in_force(self, at: datetime) -> frozenset[str]:
        """The ids of those that hold at `at`, whatever they mute."""
        windows = (found for one in self.maintenance if (found := one.silence(at)))
        held = (*self.silences, *windows)
        return frozenset(silence.id for silence in held if silence.state(at) == "active")

    def of(self, labels: Mapping[str, str], at: datetime) -> Mute | None:
        """Whether and how long an incident with these labels is told to nobody at `at`."""
        windows = (found for one in self.maintenance if (found := one.silence(at)))
        found = silences.muting([*self.silences, *windows], labels, at)
        if found is None:
            return None
        return Mute(until=found.until, by=found.who, why=found.comment, silence=found.id)
