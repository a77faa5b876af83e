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
PSA = "psa-certinia"
PROCUREMENT = "procurement-coupa"
SERVICES = (CRM, CLM, MIDDLEWARE, ERP, PSA, PROCUREMENT)

Role = Literal["internal", "server", "client", "producer", "consumer"]
Mode = Literal["structured", "binary", "batched"]
Value = str | bool | int | tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Span:
    """A piece of work one service recorded.

    `parent` and `links` name other spans by their `key`; a parent in another service is reached
    through propagated headers. `trace_id` is used by spans without a parent. `baggage` is the
    contract id that travels with the context from here on. `error` is empty for success.
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
    """A business event one service published as a CloudEvent, `sends` times with the same id."""

    id: str
    service: str
    type: str
    at: datetime
    data: Mapping[str, Value]
    mode: Mode = "structured"
    sends: int = 1
    late: bool = False

    @property
    def begins(self) -> datetime:
        """When it happened."""
        return self.at


Act = Span | Event
