"""A subcontractor is taken on: agreed, set up, ordered from, assigned."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from random import Random
from typing import Protocol

from threadline.simulator.acts import CLM, PROCUREMENT, PSA, Value
from threadline.simulator.fates import Course

REFUSED, REJECTED, ORDERED_TWICE = "supplier-refused", "order-rejected", "order-told-twice"
UNSCREENED = "the supplier has no valid tax certificate"
OVER_LIMIT = "the order exceeds the approved value of the subcontract"


class Say(Protocol):
    """Publishes an event of a service; the instant at which it happened."""

    def __call__(
        self,
        service: str,
        name: str,
        at: datetime,
        data: Mapping[str, Value],
        *,
        person: bool = False,
    ) -> datetime: ...


class Subcontract:
    """The subcontract of one contract; the order is tied to it once and then goes by its number."""

    def __init__(self, course: Course, say: Say) -> None:
        self._course, self._say = course, say
        self._contract = course.contract
        # Of its own: what else happens to the contract stays as it was.
        self._random = Random(self._contract.trace_id + 1)
        self._name: Mapping[str, Value] = {
            "subcontract.id": f"SC-{self._contract.id.removeprefix('C-')}"
        }

    def take_on(self, at: datetime) -> None:
        """From the clause's approval at `at` to somebody at work, or to where it gets stuck."""
        self._say(CLM, "clm.subcontract.approved", at, self._agreed(), person=True)
        created = self._create_supplier(self._later(at, 2, 60))
        issued = created and self._order(self._later(created, 2, 40))
        if issued:
            assigned = {**self._name, "psa.project.id": self._contract.psa_project}
            at = self._later(issued, 4, 80)
            self._say(PSA, "psa.resource.assigned", at, assigned, person=True)

    def _agreed(self) -> Mapping[str, Value]:
        contract = self._contract
        return {
            **self._name,
            "contract.id": contract.id,
            "subcontract.value": f"{float(contract.value) / 5:.2f}",
            "subcontract.currency": contract.currency,
            "contract.region": contract.region,
            "contract.business_unit": contract.business_unit,
        }

    def _create_supplier(self, at: datetime) -> datetime | None:
        supplier = {**self._name, "supplier.id": self._contract.supplier}
        if self._chance(0.15):
            self._course.stray(REFUSED, at)
            fault = {**supplier, "error.message": UNSCREENED}
            self._say(PROCUREMENT, "procurement.supplier.rejected", at, fault)
            if self._chance(0.4):
                return None
            at = self._later(at, 24, 120)
        return self._say(PROCUREMENT, "procurement.supplier.created", at, supplier)

    def _order(self, at: datetime) -> datetime | None:
        number: Mapping[str, Value] = {"purchase_order.number": self._contract.purchase_order}
        drafted = {**self._name, **number}
        self._say(PROCUREMENT, "procurement.order.drafted", at, drafted)
        at = self._later(at, 1, 12)
        if self._chance(0.15):
            self._course.stray(REJECTED, at)
            fault = {**number, "error.message": OVER_LIMIT}
            self._say(PROCUREMENT, "procurement.order.rejected", at, fault)
            if self._chance(0.4):
                return None
            at = self._later(at, 12, 90)
        issued = self._say(PROCUREMENT, "procurement.order.issued", at, number)
        if self._chance(0.1):
            self._course.stray(ORDERED_TWICE, at)
            again = self._later(at, 0.1, 3)
            self._course.script.event(
                *(PROCUREMENT, "procurement.order.issued", again, number), phantom=True
            )
        return issued

    def _later(self, at: datetime, least: float, most: float) -> datetime:
        return at + timedelta(hours=self._random.uniform(least, most))

    def _chance(self, share: float) -> bool:
        return self._random.random() < share
