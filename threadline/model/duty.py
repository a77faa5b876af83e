"""What people decide about duty: somebody stands in for somebody else."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, kw_only=True)
class Override:
    """`member` of `rota` is on duty over `[starts_at, until)`, whatever the rota says.

    `who` decided it, for the reason in `why`. The greatest `number` was decided last, and counts.
    `ended_at`: somebody ended it before its time.
    """

    number: int
    rota: str
    member: str
    starts_at: datetime
    ends_at: datetime
    who: str
    why: str
    made_at: datetime | None = None
    ended_at: datetime | None = None
    ended_by: str = ""

    @property
    def until(self) -> datetime:
        """When it is over; before `starts_at` where it was taken back before it began."""
        return self.ends_at if self.ended_at is None else min(self.ended_at, self.ends_at)

    def covers(self, at: datetime) -> bool:
        """Whether it counts at `at`."""
        return self.starts_at <= at < self.until
