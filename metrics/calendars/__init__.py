"""Business time: which instants count, and arithmetic on them. Shipped calendars lie beside."""

from metrics.calendars.arithmetic import (
    ELAPSED,
    BusinessTime,
    Clocks,
    add_business,
    as_seconds,
    business_between,
)
from metrics.calendars.calendar import NANOSECONDS, Calendar, Hours, PublicHolidays

__all__ = [
    "ELAPSED",
    "NANOSECONDS",
    "BusinessTime",
    "Calendar",
    "Clocks",
    "Hours",
    "PublicHolidays",
    "add_business",
    "as_seconds",
    "business_between",
]
