"""Closing last month by itself, on the day that the firm has set."""

from __future__ import annotations

import logging
from datetime import datetime, timedelta

from threadline.api import ApiServices, closing
from threadline.errors import OutOfReach, ThreadlineError, ViewNotReady
from threadline.sections import ClosesSettings
from threadline.store.control.closes import AlreadyClosed
from threadline.zones import zone

logger = logging.getLogger(__name__)

LOOK_SECONDS = 60
WHO = "threadline"
NOTE = "closed by itself"


def close_when_due(services: ApiServices, settings: ClosesSettings) -> None:
    """Close last month from what was known at the set hour, if that has come and nobody has.

    Whichever process does it, and whenever, freezes the same: what was known at that hour.
    """
    if not settings.day:
        return
    now = services.clock.now().astimezone(zone(services.calendar.clock))
    due = now.replace(day=settings.day, hour=settings.hour, minute=0, second=0, microsecond=0)
    period = f"{now.replace(day=1) - timedelta(days=1):%Y-%m}"
    if now < due:
        return
    try:
        _close(services, period, due)
    except (ViewNotReady, AlreadyClosed):
        return  # it is being derived, or another process was quicker
    except OutOfReach as error:
        logger.debug("%s is not closed: %s", period, error)
    except ThreadlineError as error:
        logger.warning("%s waits to be closed: %s", period, error)


def _close(services: ApiServices, period: str, at: datetime) -> None:
    if services.closes.of(period):
        return
    taken = closing.take(services, period, at, who=WHO, note=NOTE, again=False)
    logger.info("%s is closed from what was known at %s", taken.period, taken.at)
