"""What follows once a contract is set up: its amendments, milestones, invoices and payments."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta

from threadline.simulator.acts import CLM, ERP, PSA, Value
from threadline.simulator.fates import Course

BILLING = "billing-zuora"
BANK = "bank-ledger"
DISPUTE = "the hours of the second week are not approved"
WRONG_TAX = "tax code V1 is not allowed in this company code"
UNKNOWN_SCHEDULE = "the billing schedule is locked by the period close"


class Engagement:
    """A contract being delivered and billed; what lies beyond the present is left to the world."""

    def __init__(self, course: Course) -> None:
        self._course = course
        self._random = course.script.random
        contract = course.contract
        self._terms: Mapping[str, Value] = {
            "contract.region": contract.region,
            "contract.business_unit": contract.business_unit,
        }
        self._number = contract.id.removeprefix("C-")

    def go_on(self, milestones: int, amendments: int) -> None:
        """Deliver and bill so many milestones and agree on so many amendments, in parallel."""
        ready = self._course.at
        for place in range(1, milestones + 1):
            start = ready + timedelta(days=self._random.uniform(4, 11) * place)
            self._milestone(place, start)
        for place in range(1, amendments + 1):
            self._amendment(place, ready + timedelta(days=self._random.uniform(3, 25)))

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
        bill = {
            "invoice.number": invoice,
            "milestone.id": milestone,
            "erp.project.id": contract.project,
            "invoice.amount": amount,
            "invoice.currency": contract.currency,
            **self._terms,
        }
        at = self._say(ERP, "erp.invoice.drafted", self._later(at, 2, 30), bill)
        own = {"invoice.number": invoice}
        if self._chance(0.12):
            fault = own | {"error.message": WRONG_TAX}
            at = self._say(ERP, "erp.invoice.rejected", self._later(at, 1, 5), fault)
        at = self._say(ERP, "erp.invoice.approved", self._later(at, 2, 20), own, person=True)
        issued = self._say(ERP, "erp.invoice.issued", self._later(at, 1, 8), bill)
        self._say(ERP, "erp.invoice.posted", self._later(issued, 0.2, 2), own)
        if self._chance(0.04):
            self._say(ERP, "erp.posting.duplicated", self._later(issued, 3, 9), own)
        at = self._say(BILLING, "billing.invoice.delivered", self._later(issued, 0.1, 6), own)
        self._collect(invoice, amount, at)

    def _collect(self, invoice: str, amount: str, at: datetime) -> None:
        own = {"invoice.number": invoice}
        if self._chance(0.1):
            told = own | {"error.message": DISPUTE}
            at = self._say(BILLING, "billing.invoice.disputed", self._later(at, 24, 90), told)
            if self._chance(0.25):
                self._say(ERP, "erp.invoice.credited", self._later(at, 48, 200), own, person=True)
                return
            at = self._later(at, 48, 200)
            self._say(BILLING, "billing.invoice.dispute_resolved", at, own, person=True)
        payment = {
            "payment.reference": f"PAY-{invoice}",
            "payment.amount": amount,
            "payment.currency": self._course.contract.currency,
        }
        self._say(BANK, "bank.payment.received", self._later(at, 150, 800), own | payment)

    def _amendment(self, place: int, at: datetime) -> None:
        contract = self._course.contract
        kind = self._random.choice(("billing_terms", "rates", "scope"))
        name: Mapping[str, Value] = {"amendment.id": f"A-{self._number}-{place}"}
        agreed = {
            "contract.id": contract.id,
            "amendment.kind": kind,
            "amendment.value": f"{self._random.randrange(1_000, 90_000)}.00",
            "amendment.currency": contract.currency,
        }
        self._say(CLM, "clm.amendment.approved", at, {**name, **agreed, **self._terms}, person=True)
        billing = {"billing_schedule.id": f"BS-{self._number}", "erp.project.id": contract.project}
        if self._chance(0.15):
            fault = {**name, "error.message": UNKNOWN_SCHEDULE}
            at = self._say(ERP, "erp.billing_schedule.rejected", self._later(at, 0.5, 3), fault)
        slow = 60 if self._chance(0.2) else 18
        updated = self._later(at, 1, slow)
        self._say(ERP, "erp.billing_schedule.updated", updated, {**name, **billing})
        if self._chance(0.06):
            return  # the delivery system never hears of it
        delivery = {**name, "psa.project.id": contract.psa_project}
        self._say(PSA, "psa.project.updated", self._later(updated, 0.5, 20), delivery)
        if kind == "rates":
            rates = {"rate_card.id": f"RC-{self._number}", "erp.project.id": contract.project}
            self._say(ERP, "erp.rate_card.updated", self._later(updated, 1, 30), {**name, **rates})

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
        self._course.script.event(service, name, at, {**data, **actor}, mode="batched")
        return at

    def _later(self, at: datetime, least: float, most: float) -> datetime:
        return at + timedelta(hours=self._random.uniform(least, most))

    def _chance(self, share: float) -> bool:
        return self._random.random() < share
