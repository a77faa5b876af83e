"""What goes wrong with the data themselves: wrong ids, wrong times, second thoughts."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from threadline.simulator.acts import ERP, MIDDLEWARE, PSA, Event, Span
from threadline.simulator.fates import Course, Fate, rejected, smooth

LONG_BEFORE = datetime(1970, 1, 1, 0, 0, 1, tzinfo=UTC)
LOCKED = "the project is locked by another user"
RESTATED = ("erp.project.created", "erp.rate_card.created", "erp.tax.configured")


def misdated(course: Course) -> None:
    """The ERP tells of a rate card with a time of 1970."""
    course.validated()
    card = {"contract.id": course.contract.id, **course.script.project}
    course.script.event(
        ERP, "erp.rate_card.created", course.at, card, told_at=LONG_BEFORE, phantom=True
    )
    course.branches()
    course.project(0.5, 8)
    course.billing()


def claimed(course: Course) -> None:
    """The delivery system says first, the ERP once more last, that the project is another's."""
    contract = course.contract
    neighbour = f"C-{int(contract.id.removeprefix('C-')) - 1}"
    other = {"contract.id": neighbour, "erp.project.id": contract.project}
    course.validated()
    course.script.event(
        PSA, "psa.budget.copied", course.pass_hours(0.01, 0.02), other, phantom=True
    )
    course.branches()
    course.project(0.5, 8)
    course.billing()
    course.script.event(ERP, "erp.cost_centre.copied", course.pass_hours(1, 2), other, phantom=True)


def mistyped(course: Course) -> None:
    """Somebody keys the same ids in lower case, with leading zeros and blanks."""
    smooth(course)
    names = {
        "contract.id": f"  {course.contract.id.lower()} ",
        "erp.project.id": course.contract.project.lower(),
        "invoice.number": f"000{course.contract.id.removeprefix('C-')}",
    }
    plain = {"invoice.number": course.contract.id.removeprefix("C-")}
    true = {"contract.id": course.contract.id, "erp.project.id": course.contract.project, **plain}
    course.script.event(ERP, "erp.invoice.drafted", course.pass_hours(1, 5), true, told=names)
    course.script.event(ERP, "erp.invoice.approved", course.pass_hours(1, 5), plain)


def corrected(course: Course) -> None:
    """The contract's value is published again under the same event id, another each time."""
    smooth(course)
    approved = next(
        act for act in course.acts if isinstance(act, Event) and act.type == "clm.contract.approved"
    )
    for cents in ("10", "37", "82"):
        value = str(approved.data["contract.value"]).split(".")[0]
        again = {**approved.data, "contract.value": f"{value}.{cents}"}
        course.acts.append(replace(approved, told=again, phantom=True, late=cents == "37"))


def reopened(course: Course) -> None:
    """The middleware validates twice, the second time after everything is done."""
    smooth(course)
    done = {"contract.id": course.contract.id, "actor.type": "integration"}
    course.script.event(MIDDLEWARE, "middleware.fields.validated", course.pass_hours(2, 9), done)


def anonymous(course: Course) -> None:
    """The ERP never says for which contract it set the project up."""
    course.validated()
    course.branches()
    course.script.erp_traced = False
    course.project(0.5, 8, nameless=True)
    course.billing()


def recycled(course: Course) -> None:
    """Procurement uses the purchase order number of another contract once more."""
    course.validated()
    older = f"PO-{int(course.contract.purchase_order.removeprefix('PO-')) - 1}"
    course.script.request_subcontractor(course.pass_hours(1, 4), told_order=older)
    course.branches()
    course.project(0.5, 8)
    course.billing()


def doubled(course: Course) -> None:
    """Every business event is published again under a new id, some of them days later."""
    smooth(course)
    for act in [act for act in course.acts if isinstance(act, Event)]:
        at = act.at + timedelta(hours=course.script.random.choice((0.01, 1, 60)))
        course.script.event(act.service, act.type, at, act.data, phantom=True)


def backfilled(course: Course) -> None:
    """The ERP refuses the project, and nothing of the contract arrives before the end."""
    rejected(course)
    course.acts[:] = [replace(act, late=True) for act in course.acts]


def restated(course: Course) -> None:
    """The ERP exports some of its spans again, under the same ids and saying something else."""
    smooth(course)
    for act in [act for act in course.acts if isinstance(act, Span) and act.name in RESTATED]:
        late = act.name == "erp.project.created"
        wrong = {**act.attributes, "erp.project.id": f"{course.contract.project}-R"}
        fault = {**act.attributes, "error.message": LOCKED}
        course.acts.append(replace(act, attributes=wrong, phantom=True, late=late))
        course.acts.append(replace(act, attributes=fault, error=LOCKED, phantom=True))


TROUBLES: tuple[Fate, ...] = (
    misdated,
    claimed,
    mistyped,
    corrected,
    reopened,
    anonymous,
    recycled,
    doubled,
    backfilled,
    restated,
)
