"""When a summary is due: by the clocks of the firm's zone, once for each period."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Literal
from zoneinfo import ZoneInfo

from apscheduler.triggers.cron import CronTrigger

from threadline.mail_sections import Every, SummarySettings

Decision = Literal["not-due", "due", "too-late"]

SHORTEST_WAIT, LONGEST_WAIT = timedelta(minutes=2), timedelta(hours=1)
_LOOK_BACK: dict[Every, timedelta] = {  # longer than a period ever is
    "daily": timedelta(days=2),
    "weekly": timedelta(days=8),
    "monthly": timedelta(days=32),
}
_SECOND = timedelta(seconds=1)


@dataclass(frozen=True, kw_only=True)
class Slot:
    """The last instant a summary was due at, and the next."""

    due_at: datetime
    next_at: datetime


def slot(summary: SummarySettings, clock: str, now: datetime) -> Slot:
    """Around `now`, on the clocks of the zone `clock`.

    A time that clocks skip in spring is an hour later that day; of one that they show twice in
    autumn, the first counts.
    """
    trigger = CronTrigger(**_fields(summary), timezone=ZoneInfo(clock))
    found = _after(trigger, now - _LOOK_BACK[summary.every])
    while (following := _after(trigger, found)) <= now:
        found = following
    return Slot(due_at=found, next_at=following)


def decide(slot: Slot, settled: datetime, now: datetime) -> Decision:
    """What to do about `slot` when what was due by `settled` has been sent or given up.

    A summary that is half a period late would be read beside the next one: it is too late.
    """
    if slot.due_at <= settled:
        return "not-due"
    late, whole = now - slot.due_at, slot.next_at - slot.due_at
    return "due" if late < whole / 2 else "too-late"


def wait(slot: Slot, now: datetime) -> timedelta:
    """How long to leave a summary alone after an attempt: as long as it is late, within bounds.

    So every further attempt comes twice as late as the one before, until it is once an hour.
    """
    return min(max(now - slot.due_at, SHORTEST_WAIT), LONGEST_WAIT)


def _fields(summary: SummarySettings) -> dict[str, Any]:
    hour, minute = summary.at.split(":")
    fields: dict[str, Any] = {"hour": int(hour), "minute": int(minute), "second": 0}
    if summary.every == "weekly":
        fields["day_of_week"] = summary.weekday[:3]
    if summary.every == "monthly":
        fields["day"] = summary.day
    return fields


def _after(trigger: CronTrigger, at: datetime) -> datetime:
    """The first firing after `at`, in UTC."""
    found: datetime = trigger.get_next_fire_time(None, at.astimezone(UTC) + _SECOND)
    while found.fold:  # clocks show it for the second time
        found = trigger.get_next_fire_time(None, found.astimezone(UTC) + _SECOND)
    return found.astimezone(UTC)
