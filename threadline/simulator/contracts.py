"""The contracts of the simulated world and what the systems will come to call them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from random import Random
from uuid import UUID

from threadline.simulator.acts import Value

REGIONS = {"EMEA": ("EUR", "GBP"), "AMER": ("USD",), "APAC": ("USD", "EUR")}
BUSINESS_UNITS = ("Advisory", "Cloud Engineering", "Data and AI", "Managed Services")
CUSTOMERS = 24
SUPPLIERS = 9
BILLING_TERMS = ("net 30", "net 45", "net 60 on acceptance")
COPIED = ("customer.id", "contract.value", "contract.currency", "contract.billing_terms")


@dataclass(frozen=True, kw_only=True)
class Contract:
    """One contract: its attributes as signed, and the ids each system gives it."""

    id: str
    opportunity: str
    crm_contract: str
    envelope: str
    project: str
    psa_project: str
    new_project: str  # its number in the new ERP
    purchase_order: str
    customer: str
    supplier: str
    value: str
    currency: str
    region: str
    business_unit: str
    tier: str
    subcontracted: bool
    approved_at: datetime
    trace_id: int

    def terms(self) -> Mapping[str, Value]:
        """What the contract system says about it on approval."""
        return {
            "contract.id": self.id,
            "envelope.id": self.envelope,
            "crm.opportunity.id": self.opportunity,
            "customer.id": self.customer,
            "contract.value": self.value,
            "contract.currency": self.currency,
            "contract.region": self.region,
            "contract.business_unit": self.business_unit,
            "contract.tier": self.tier,
            "contract.subcontractor_clause": self.subcontracted,
            "contract.billing_terms": self.billing_terms(),
        }

    def billing_terms(self, changes: int = 0) -> str:
        """What was agreed on payment, after so many changes of it."""
        place = int(self.id.removeprefix("C-")) + changes
        return BILLING_TERMS[place % len(BILLING_TERMS)]

    def copied(self) -> Mapping[str, Value]:
        """What the ERP keeps of it when it sets the project up."""
        terms = self.terms()
        return {name: terms[name] for name in COPIED}


def draw(random: Random, number: int, approved_at: datetime) -> Contract:
    """Contract `number`, its terms at random: an equal `random` draws an equal contract."""
    region = random.choice(list(REGIONS))
    return Contract(
        id=f"C-{100_000 + number}",
        opportunity=f"006Qy{number:010d}AAB",
        crm_contract=f"800Qy{number:010d}AAC",
        envelope=str(UUID(int=random.getrandbits(128), version=4)),
        project=f"P-{number:05d}",
        psa_project=f"PSA-{20_000 + number}",
        new_project=f"S4-{700_000 + number}",
        purchase_order=f"PO-{4_500_000 + number}",
        customer=f"CUST-{random.randrange(1, CUSTOMERS + 1):04d}",
        supplier=f"SUP-{random.randrange(1, SUPPLIERS + 1):03d}",
        value=f"{random.randrange(20_000_00, 900_000_00) / 100:.2f}",
        currency=random.choice(REGIONS[region]),
        region=region,
        business_unit=random.choice(BUSINESS_UNITS),
        tier="expedited" if random.random() < 0.2 else "standard",
        subcontracted=random.random() < 0.3,
        approved_at=approved_at,
        trace_id=random.getrandbits(128) | 1,
    )


def office_hours(at: datetime) -> datetime:
    """The same moment moved off the weekend and into 07:00-18:00 UTC, never later than a Friday."""
    weekday = at - timedelta(days=max(0, at.weekday() - 4))
    return weekday.replace(hour=7 + weekday.hour * 11 // 24)
