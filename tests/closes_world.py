"""Contracts told of out of order: events with the instant each was received, around a close."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from random import Random

from judge.tape import Delivery

AT = datetime(2026, 6, 3, 6, tzinfo=UTC)  # of the close of May
LATER = AT + timedelta(days=6)
STEPS = (
    *("middleware.fields.validated", "erp.project.created", "erp.billing_schedule.created"),
    *("erp.rate_card.created", "erp.tax.configured", "erp.revenue_treatment.set"),
    "psa.project.created",
)


@dataclass(frozen=True, kw_only=True)
class Told:
    """An event of `contract` that happened at `at`, when no other did, and was received later."""

    contract: int
    name: str
    at: datetime
    received_at: datetime

    @property
    def known(self) -> bool:
        """By the time of the close."""
        return self.received_at <= AT

    @property
    def late(self) -> bool:
        """Not known at the close, though it had happened."""
        return not self.known and self.at <= AT

    def delivery(self) -> Delivery:
        contract = {
            "contract.id": f"C-{self.contract}",
            "contract.value": f"{1000 * self.contract}.50",
            "contract.currency": "EUR",
            "contract.region": ("EMEA", "AMER")[self.contract % 2],
            "contract.business_unit": "services",
            "contract.tier": "expedited" if self.contract % 3 == 0 else "standard",
        }
        data = {"actor.type": "integration", "contract.id": f"C-{self.contract}"}
        if self.name.startswith("clm."):
            data |= contract
        if self.name.startswith("erp."):
            data["erp.project.id"] = f"P-{self.contract}"
        body = {
            "specversion": "1.0",
            "id": f"{self.name} {self.at.isoformat()}",
            "source": f"/{self.name.split('.')[0]}",
            "type": self.name,
            "time": self.at.isoformat(),
            "data": data,
        }
        kind = {"content-type": "application/cloudevents+json"}
        content = json.dumps(body).encode()
        return Delivery(n=0, at=self.received_at, channel="events", headers=kind, body=content)


def world(random: Random, contracts: int) -> list[Told]:
    """Events of so many contracts, in the order of their receipt."""
    found = []
    for contract in range(1, contracts + 1):
        at = datetime(2026, 5, 2, tzinfo=UTC) + timedelta(days=random.uniform(0, 30))
        for name in ("clm.contract.approved", *STEPS):
            if random.random() < 0.2 and name == "erp.project.created":
                found.append(_told(random, contract, "erp.project.rejected", at))
                at += timedelta(hours=random.uniform(1, 30))
            found.append(_told(random, contract, name, at))
            at += timedelta(hours=random.uniform(0.5, 40))
    return sorted((one for one in found if one), key=lambda one: one.received_at)


def _told(random: Random, contract: int, name: str, at: datetime) -> Told:
    soon = at + timedelta(minutes=random.uniform(1, 100))
    late = random.random() < 0.25 and at < AT
    received = AT + timedelta(days=random.uniform(0.1, 5)) if late else soon
    return Told(contract=contract, name=name, at=at, received_at=received)
