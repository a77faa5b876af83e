"""Revenue recognition: a schedule, then a posting a month, told by the nightly file."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from random import Random

from threadline.simulator.acts import REVENUE, Value
from threadline.simulator.fates import Course

MISMATCH, CLOSED_PERIOD, UNSCHEDULED = "recognition-mismatch", "closed-period", "unscheduled"
MONTHS = 3
MONTH, CORRECTED = timedelta(days=30), timedelta(days=5)

Names = Callable[[datetime], tuple[str, Mapping[str, Value]]]


def recognise(course: Course, at: datetime, names: Names) -> None:
    """Schedule the revenue of a contract from `at` on and recognise it.

    `names` says what the ERP calls the project at an instant.
    """
    random = Random(course.contract.trace_id)  # of its own: what else happens stays as it was
    chance = random.random()
    if chance < 0.05:
        course.stray(UNSCHEDULED, at)
        return
    amount = float(course.contract.value) / 12
    _row(course, names, at, "0", kind="SCHEDULE", planned=f"{amount:.2f}")
    for month in range(1, MONTHS + 1):
        day = at + MONTH * month
        wrong = month == 1 and chance < 0.17
        late = month == 1 and 0.17 <= chance < 0.25
        told = amount * 1.1 if wrong else amount
        _post(course, names, day, f"{month}", told, "closed" if late else "open")
        if wrong or late:
            course.stray(MISMATCH if wrong else CLOSED_PERIOD, day)
            if random.random() < 0.6:
                _post(course, names, day + CORRECTED, f"{month}C", amount, "open")
            else:
                return  # nobody has noticed, and nothing more is recognised


def _post(
    course: Course, names: Names, at: datetime, entry: str, amount: float, period: str
) -> None:
    _row(course, names, at, entry, kind="POSTING", amount=f"{amount:.2f}", period_status=period)


def _row(course: Course, names: Names, at: datetime, entry: str, **cells: str) -> None:
    number = course.contract.id.removeprefix("C-")
    project = names(at)[1]
    named = {
        "entry": f"RR-{number}-{entry}",
        "schedule": f"RS-{number}",
        "project": str(project.get("erp.project.id", "")),
        "new_project": str(project.get("s4.project.id", "")),
        "currency": course.contract.currency,
    }
    course.script.row(REVENUE, at, named | cells)
