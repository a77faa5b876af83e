"""Business time: which instants count, and arithmetic on them. Shipped calendars lie beside."""

from metrics.calendars.arithmetic import ELAPSED, Clocks, as_nanoseconds, as_seconds
from metrics.calendars.calendar import Calendar, Hours, PublicHolidays

__all__ = [
    "ELAPSED",
    "Calendar",
    "Clocks",
    "Hours",
    "PublicHolidays",
    "as_nanoseconds",
    "as_seconds",
]
