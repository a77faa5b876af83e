"""What follows once a contract is set up: its amendments, milestones, invoices and payments."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta

from threadline.simulator.acts import (
    BANK,
    BILLING,
    CLM,
    ERP,
    NEW_ERP,
    PSA,
    Value,
)
from threadline.simulator.fates import Course
from threadline.simulator.hops import Hops
from threadline.simulator.recognition import recognise
from threadline.simulator.subcontract import Subcontract

QUARTER_END = timedelta(days=3)
MOVED = timedelta(days=1)
SCHEDULED = timedelta(hours=2)  # so long after the ERP has set the treatment
FORGETFUL = 6  # one amendment in so many
DISPUTE = "the hours of the second week are not approved"
WRONG_TAX = "tax code V1 is not allowed in this company code"
UNKNOWN_SCHEDULE = "the billing schedule is locked by the period close"


class Engagement:
    """A contract being delivered and billed; what lies beyond the present is left to the world.

    `traced`: every act leaves spans too, and not only the event it ends in.
    """

    def __init__(
        self,
        course: Course,
        quarter_end: float = 0.0,
        migrated_at: datetime | None = None,
        *,
        traced: bool = False,
    ) -> None:
        self._course = course
        self._hops = Hops(course.script) if traced else None
        self._quarter_end, self._migrated_at = quarter_end, migrated_at
        self._random = course.script.random
        contract = course.contract
        self._terms: Mapping[str, Value] = {
            "contract.region": contract.region,
            "contract.business_unit": contract.business_unit,
        }
        self._number = contract.id.removeprefix("C-")
        self._value, self._changes = float(contract.value), 0

    def go_on(self, milestones: int, amendments: int) -> None:
        """Deliver and bill so many milestones and agree on so many amendments, in parallel."""
        ready = self._course.at
        if self._migrated_at and ready < self._migrated_at:
            self._migrate(self._migrated_at + timedelta(hours=self._random.uniform(0, 24)))
        recognise(self._course, ready + SCHEDULED, self._names)
        if self._course.contract.subcontracted:
            Subcontract(self._course, self._say).take_on(ready)
        for place in range(1, milestones + 1):
            start = ready + timedelta(days=self._random.uniform(4, 11) * place)
            if self._chance(self._quarter_end):
                start = _end_of_quarter(start) - QUARTER_END * self._random.random()
            self._milestone(place, start)
        for place in range(1, amendments + 1):
            self._amendment(place, ready + timedelta(days=self._random.uniform(3, 25)))

    def _migrate(self, at: datetime) -> None:
        """The project moves to the new ERP, which tells both of its numbers."""
        both = {
            "erp.project.id": self._course.contract.project,
            "s4.project.id": self._course.contract.new_project,
        }
        self._say(NEW_ERP, "erp.project.migrated", at, both)

    def _names(self, at: datetime, invoice: str = "") -> tuple[str, Mapping[str, Value]]:
        """Which ERP has the project at `at`, and what it calls the project or an invoice."""
        script = self._course.script
        new = script.new_erp or bool(self._migrated_at and at >= self._migrated_at + MOVED)
        if invoice:
            return (
                (NEW_ERP, {"s4.invoice.number": invoice})
                if new
                else (ERP, {"invoice.number": invoice})
            )
        contract = self._course.contract
        if new:
            return NEW_ERP, {"s4.project.id": contract.new_project}
        return ERP, {"erp.project.id": contract.project}

    def _milestone(self, place: int, at: datetime) -> None:
        contract = self._course.contract
        milestone, invoice = f"M-{self._number}-{place}", f"INV-{self._number}-{place}"
        amount = f"{float(contract.value) / 8:.2f}"
        done = {
            "milestone.id": milestone,
            "psa.project.id": contract.psa_project,
            "milestone.value": amount,
            "milestone.currency": contract.currency,
            **self._terms,
        }
        self._say(PSA, "psa.milestone.completed", at, done, person=True)
        at = self._later(at, 2, 30)
        erp, own = self._names(at, invoice)
        bill = {
            **own,
            "milestone.id": milestone,
            **self._names(at)[1],
            "invoice.amount": amount,
            "invoice.currency": contract.currency,
            **self._terms,
        }
        self._say(erp, "erp.invoice.drafted", at, bill)
        if self._chance(0.12):
            fault = {**own, "error.message": WRONG_TAX}
            at = self._say(erp, "erp.invoice.rejected", self._later(at, 1, 5), fault)
        at = self._say(erp, "erp.invoice.approved", self._later(at, 2, 20), own, person=True)
        issued = self._say(erp, "erp.invoice.issued", self._later(at, 1, 8), bill)
        self._say(erp, "erp.invoice.posted", self._later(issued, 0.2, 2), own)
        if self._chance(0.04):
            self._say(erp, "erp.posting.duplicated", self._later(issued, 3, 9), own)
        at = self._say(BILLING, "billing.invoice.delivered", self._later(issued, 0.1, 6), own)
        self._collect(own, erp, amount, at)

    def _collect(self, own: Mapping[str, Value], erp: str, amount: str, at: datetime) -> None:
        if self._chance(0.1):
            told = {**own, "error.message": DISPUTE}
            at = self._say(BILLING, "billing.invoice.disputed", self._later(at, 24, 90), told)
            if self._chance(0.25):
                self._say(erp, "erp.invoice.credited", self._later(at, 48, 200), own, person=True)
                return
            at = self._later(at, 48, 200)
            self._say(BILLING, "billing.invoice.dispute_resolved", at, own, person=True)
        invoice = str(next(iter(own.values())))
        payment = {
            "Referenz": f"PAY-{invoice}",
            "Rechnung": invoice,
            "Betrag": amount,
            "Waehrung": self._course.contract.currency,
        }
        self._course.script.row(BANK, self._later(at, 150, 800), payment)

    def _amendment(self, place: int, at: datetime) -> None:
        contract = self._course.contract
        kind = self._random.choice(("billing_terms", "rates", "scope"))
        name: Mapping[str, Value] = {"amendment.id": f"A-{self._number}-{place}"}
        amount = self._random.randrange(1_000, 90_000)
        agreed = {
            "contract.id": contract.id,
            "amendment.kind": kind,
            "amendment.value": f"{amount}.00",
            "amendment.currency": contract.currency,
        }
        before = self._agreed()
        self._value, self._changes = self._value + amount, self._changes + (kind == "billing_terms")
        after = self._agreed()
        told = {**name, **agreed, **after, **self._terms}
        self._say(CLM, "clm.amendment.approved", at, told, person=True)
        # Now and then the ERP changes the schedule and leaves the contract as it was.
        kept = before if (int(self._number) + place) % FORGETFUL == 0 else after
        billing = {"billing_schedule.id": f"BS-{self._number}", **self._names(at)[1]}
        if self._chance(0.15):
            fault = {**name, "error.message": UNKNOWN_SCHEDULE}
            at = self._say(
                self._names(at)[0], "erp.billing_schedule.rejected", self._later(at, 0.5, 3), fault
            )
        slow = 60 if self._chance(0.2) else 18
        updated = self._later(at, 1, slow)
        self._say(
            self._names(updated)[0],
            "erp.billing_schedule.updated",
            updated,
            {**name, **billing, "contract.id": contract.id, **kept},
        )
        if self._chance(0.06):
            return  # the delivery system never hears of it
        delivery = {**name, "psa.project.id": contract.psa_project}
        self._say(PSA, "psa.project.updated", self._later(updated, 0.5, 20), delivery)
        if kind == "rates":
            rates = {"rate_card.id": f"RC-{self._number}", **self._names(at)[1]}
            self._say(
                self._names(updated)[0],
                "erp.rate_card.updated",
                self._later(updated, 1, 30),
                {**name, **rates},
            )

    def _agreed(self) -> Mapping[str, Value]:
        """The contract as amended so far."""
        contract = self._course.contract
        return {
            "contract.value": f"{self._value:.2f}",
            "contract.currency": contract.currency,
            "contract.billing_terms": contract.billing_terms(self._changes),
        }

    def _say(
        self,
        service: str,
        name: str,
        at: datetime,
        data: Mapping[str, Value],
        *,
        person: bool = False,
    ) -> datetime:
        actor = {"actor.type": "user" if person else "integration"}
        if self._hops:
            act = name.partition(".")[2].replace(".", "-")
            names = {key: data[key] for key in data if key.endswith((".id", ".number"))}
            travel = self._hops.by_person if person else self._hops.by_integration
            travel(service, act, at, names)
        self._course.script.event(service, name, at, {**data, **actor}, mode="batched")
        return at

    def _later(self, at: datetime, least: float, most: float) -> datetime:
        return at + timedelta(hours=self._random.uniform(least, most))

    def _chance(self, share: float) -> bool:
        return self._random.random() < share


def only_recognised(course: Course) -> None:
    """The revenue of a contract whose treatment was set, and of which nothing else is told."""
    recognise(course, course.at + SCHEDULED, lambda _: (course.script.erp, course.script.project))


def _end_of_quarter(at: datetime) -> datetime:
    month = (at.month - 1) // 3 * 3 + 4
    first = at.replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    return first.replace(year=at.year + month // 13, month=(month - 1) % 12 + 1)
