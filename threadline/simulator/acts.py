"""What simulated systems do, as plain data: spans they record and events they publish."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

CRM = "crm-salesforce"
CLM = "clm-docusign"
MIDDLEWARE = "middleware-mulesoft"
ERP = "erp-sap"
NEW_ERP = "erp-s4hana"
PSA = "psa-certinia"
PROCUREMENT = "procurement-coupa"
BILLING = "billing-zuora"
BANK = "bank-ledger"
REVENUE = "revrec-zuora"
TRACED = (CRM, CLM, MIDDLEWARE, ERP, NEW_ERP, PSA, PROCUREMENT, BILLING)

Role = Literal["internal", "server", "client", "producer", "consumer"]
Mode = Literal["structured", "binary", "batched"]
Value = str | bool | int | tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Span:
    """A piece of work one service recorded.

    `parent` and `links` name other spans by their `key`; a parent in another service is reached
    through propagated headers. `trace_id` is used by spans without a parent. `baggage` is the
    contract id that travels with the context from here on. `error` is empty for success.

    Of every act: `of` is the contract it truly belongs to, empty for none or many; `told` is what
    its record says instead of the truth; a `phantom` is recorded though nothing happened.
    """

    key: str
    service: str
    name: str
    role: Role = "internal"
    started_at: datetime
    ended_at: datetime
    parent: str = ""
    trace_id: int = 0
    baggage: str = ""
    attributes: Mapping[str, Value] = field(default_factory=dict)
    error: str = ""
    links: tuple[str, ...] = ()
    of: str = ""
    told: Mapping[str, Value] | None = None
    phantom: bool = False
    late: bool = False

    @property
    def at(self) -> datetime:
        """When it is over, and can be sent."""
        return self.ended_at

    @property
    def begins(self) -> datetime:
        """When it begins; no span begins before its parent."""
        return self.started_at


@dataclass(frozen=True, kw_only=True)
class Event:
    """A business event one service published as a CloudEvent, `sends` times with the same id.

    `told_at` is the time it claims instead of the true one. A `sure` one arrives once and in time,
    whatever becomes of others.
    """

    id: str
    service: str
    type: str
    at: datetime
    data: Mapping[str, Value]
    mode: Mode = "structured"
    sends: int = 1
    of: str = ""
    told: Mapping[str, Value] | None = None
    told_at: datetime | None = None
    sure: bool = False
    phantom: bool = False
    late: bool = False

    @property
    def begins(self) -> datetime:
        """When it happened."""
        return self.at


@dataclass(frozen=True, kw_only=True)
class Row:
    """A line of a nightly file of one service; `cells` by column, without the one of the time."""

    service: str
    at: datetime
    cells: Mapping[str, str]
    of: str = ""
    phantom: bool = False
    late: bool = False

    @property
    def begins(self) -> datetime:
        """When it happened."""
        return self.at


Act = Span | Event | Row
