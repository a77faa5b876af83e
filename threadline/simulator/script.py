"""How one contract's activation is written down: which spans and events each step leaves behind."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from random import Random

from threadline.simulator.acts import (
    CLM,
    CRM,
    ERP,
    MIDDLEWARE,
    NEW_ERP,
    PROCUREMENT,
    PSA,
    Act,
    Event,
    Mode,
    Role,
    Row,
    Span,
    Value,
)
from threadline.simulator.contracts import Contract

NOTHING: Mapping[str, Value] = {}


class Script:
    """The acts of one contract, written step by step; every step takes its instant.

    `erp_traced` is off where the ERP does not take part in context propagation: its spans then form
    traces of their own, without the contract's id. `new_erp` is on once the new ERP has the
    project.
    """

    def __init__(self, contract: Contract, random: Random) -> None:
        self.contract = contract
        self.erp_traced = True
        self.new_erp = False
        self.acts: list[Act] = []
        self.random = random
        self._published = ""
        self._flow = ""

    @property
    def erp(self) -> str:
        """The ERP that has the project."""
        return NEW_ERP if self.new_erp else ERP

    @property
    def project(self) -> Mapping[str, Value]:
        """What the ERP calls the project."""
        if self.new_erp:
            return {"s4.project.id": self.contract.new_project}
        return {"erp.project.id": self.contract.project}

    def win(self, at: datetime) -> None:
        """The opportunity is closed in the CRM."""
        names = {
            "crm.opportunity.id": self.contract.opportunity,
            "crm.contract.id": self.contract.crm_contract,
            "contract.id": self.contract.id,
            "customer.id": self.contract.customer,
        }
        self.event(CRM, "crm.opportunity.won", at, names, mode="batched")

    def approve(self, at: datetime) -> None:
        """The contract is approved in the CLM, which publishes it to the middleware."""
        self.event(CLM, "clm.contract.approved", at, self.contract.terms())
        own = {"contract.id": self.contract.id}
        hook = self.span(CLM, "POST /connect/envelope-completed", "server", at, 900, attributes=own)
        self.span(CLM, "render signed document", "internal", at, 400, parent=hook)
        later = at + timedelta(milliseconds=500)
        self._published = self.span(CLM, "publish contract", "producer", later, 60, parent=hook)

    def validate(self, at: datetime) -> None:
        """The middleware takes the contract up and checks the mandatory commercial fields."""
        self._flow = self.span(
            MIDDLEWARE, "flow contract-activation", "consumer", at, 1500, parent=self._published
        )
        self.span(MIDDLEWARE, "transform payload", "internal", at, 700, parent=self._flow)
        later = at + timedelta(milliseconds=800)
        name = "middleware.fields.validated"
        self.span(MIDDLEWARE, name, "internal", later, 400, parent=self._flow)

    def misses_field(self, at: datetime, message: str) -> None:
        """The middleware finds a mandatory field missing."""
        failure = {"contract.id": self.contract.id, "error.message": message, "outcome": "error"}
        self.span(
            MIDDLEWARE,
            "flow contract-activation",
            "consumer",
            at,
            300,
            parent=self._published,
            error=message,
        )
        self.event(MIDDLEWARE, "middleware.mapping.failed", at, failure)

    def create_project(
        self, at: datetime, error: str = "", actor: str = "integration", *, nameless: bool = False
    ) -> None:
        """The ERP sets the project up, or refuses to; a `nameless` one does not say for whom."""
        names = {"contract.id": self.contract.id, **self.project, **self.contract.copied()}
        told = self.project if nameless else None
        self._erp("erp.project.created", "projects", at, names, error, actor, told)

    def reject_project(self, at: datetime, message: str) -> None:
        """The ERP's controller refuses the project that had been set up."""
        self.create_project(at, error=message)
        failure = {
            "contract.id": self.contract.id,
            **self.project,
            "error.message": message,
            "outcome": "error",
            "actor.type": "user",
        }
        self.event(self.erp, "erp.project.rejected", at + timedelta(seconds=2), failure)

    def set_up(self, what: str, at: datetime, actor: str = "integration", error: str = "") -> None:
        """The ERP sets up one billing object of the project: `billing_schedule`, `rate_card`…"""
        verb = {"tax": "configured", "revenue_treatment": "set"}.get(what, "created")
        path = what.replace("_", "-")
        self._erp(f"erp.{what}.{verb}", path, at, self.project, error, actor)

    def plan_delivery(self, at: datetime) -> None:
        """The PSA creates its own project."""
        call = self._call("psa/projects", at)
        hook = self.span(PSA, "POST /services/projects", "server", at, 800, parent=call)
        self.span(PSA, "apex trigger", "internal", at, 300, parent=hook)
        names = {
            "contract.id": self.contract.id,
            "psa.project.id": self.contract.psa_project,
            "actor.type": "integration",
        }
        self.event(PSA, "psa.project.created", at, names, mode="batched")

    def request_subcontractor(self, at: datetime, told_order: str = "") -> None:
        """Procurement opens a request with a purchase order number, or tells another's."""
        call = self._call("coupa/requisitions", at)
        self.span(PROCUREMENT, "POST /requisitions", "server", at, 500, parent=call)
        names = {
            "contract.id": self.contract.id,
            "purchase_order.number": self.contract.purchase_order,
            "supplier.id": self.contract.supplier,
            "actor.type": "integration",
        }
        told = {**names, "purchase_order.number": told_order} if told_order else None
        name = "procurement.request.created"
        self.event(PROCUREMENT, name, at, names, mode="binary", told=told)

    def say(self, name: str, at: datetime) -> None:
        """The CLM publishes something about the contract that needs no further data."""
        self.event(CLM, name, at, {"contract.id": self.contract.id, "actor.type": "user"})

    def event(
        self,
        service: str,
        name: str,
        at: datetime,
        data: Mapping[str, Value],
        *,
        mode: Mode = "structured",
        sends: int = 1,
        late: bool = False,
        told: Mapping[str, Value] | None = None,
        told_at: datetime | None = None,
        phantom: bool = False,
    ) -> None:
        """Publish a business event."""
        number = sum(isinstance(act, Event) for act in self.acts)
        event = Event(
            id=f"{self.contract.id}-{number:02d}-{name}",
            service=service,
            type=name,
            at=at,
            data=data,
            mode=mode,
            sends=sends,
            late=late,
            of=self.contract.id,
            told=told,
            told_at=told_at,
            phantom=phantom,
        )
        self.acts.append(event)

    def row(self, service: str, at: datetime, cells: Mapping[str, str]) -> None:
        """Leave a line for the nightly file."""
        self.acts.append(Row(service=service, at=at, cells=cells, of=self.contract.id))

    def span(
        self,
        service: str,
        name: str,
        role: Role,
        at: datetime,
        milliseconds: int,
        *,
        parent: str = "",
        attributes: Mapping[str, Value] = NOTHING,
        told: Mapping[str, Value] | None = None,
        error: str = "",
        trace_id: int = 0,
    ) -> str:
        """Record a span of about `milliseconds`; its key, for children and links, is returned.

        Without a parent it is in the trace `trace_id`, or else in that of the activation.
        """
        key = f"{self.contract.id}/{len(self.acts)}"
        takes = timedelta(milliseconds=milliseconds * self.random.uniform(0.6, 1.0))
        severed = service == self.erp and not self.erp_traced
        span = Span(
            key=key,
            service=service,
            name=name,
            role=role,
            started_at=at,
            ended_at=at + takes,
            parent=parent,
            trace_id=trace_id
            or (self.random.getrandbits(128) | 1 if severed else self.contract.trace_id),
            baggage="" if severed else self.contract.id,
            attributes=attributes,
            told=told,
            error=error,
            of=self.contract.id,
        )
        self.acts.append(span)
        return key

    def _erp(
        self,
        name: str,
        path: str,
        at: datetime,
        names: Mapping[str, Value],
        error: str,
        actor: str,
        told: Mapping[str, Value] | None = None,
    ) -> None:
        call = self._call(f"erp/{path}", at, error)
        if not self.erp_traced:
            call = ""
        hook = self.span(
            self.erp, f"POST /sap/{path}", "server", at, 1800, parent=call, error=error
        )
        more: dict[str, Value] = {"actor.type": actor}
        if error:
            more |= {"error.message": error, "error.type": "BusinessRule"}
        step = self.span(
            self.erp,
            name,
            "internal",
            at,
            1500,
            parent=hook,
            attributes={**names, **more},
            told=None if told is None else {**told, **more},
            error=error,
        )
        self.span(self.erp, "commit work", "internal", at, 400, parent=step)

    def _call(self, target: str, at: datetime, error: str = "") -> str:
        return self.span(
            MIDDLEWARE, f"POST {target}", "client", at, 2000, parent=self._flow, error=error
        )
