"""What the API needs from the rest; the composition root provides it."""

from __future__ import annotations

from collections.abc import Callable, Collection, Hashable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import cached_property
from typing import Annotated, Protocol, cast

from fastapi import Depends, Query, Request
from prometheus_client import CollectorRegistry
from pydantic import AwareDatetime

from alerts.duty.rota import Rota
from alerts.maintenance.windows import Maintenance
from alerts.policy import Policies
from alerts.receivers import Outcome
from collector.mapping import Mapping as SourceMapping
from metrics.definitions import Definitions
from metrics.kpis import FirmCalendar
from threadline.access import Gate
from threadline.access.acknowledging import AcknowledgeLinks
from threadline.access.denials import Denials
from threadline.api.answers import Answer, Answers
from threadline.api.redaction import Redaction
from threadline.clock import Clock
from threadline.erasing import Report
from threadline.keeping import Going, Standing
from threadline.model.entries import Entry, Position
from threadline.model.erasures import Erasure
from threadline.model.incidents import Affected, Incident, IncidentEvent, IncidentState
from threadline.model.people import ANONYMOUS, Principal, Role
from threadline.store.control.audit import Audit
from threadline.store.control.closes import Closes
from threadline.store.control.definitions import Definitions as Activations
from threadline.store.control.deliveries import Delivery, Receiving
from threadline.store.control.listing import IncidentPage, Order
from threadline.store.control.overrides import Overrides
from threadline.store.control.rulings import Rulings
from threadline.store.control.silences import Silences
from threadline.store.telemetry import Telemetry
from threadline.store.telemetry.alive import NEVER, Alive, Figures, alive_since
from threadline.store.telemetry.ended import Ended
from threadline.wire.summaries import SummaryDelivery, SummaryLetter, SummaryRow


class Status(Protocol):
    """How far the derivation is."""

    @property
    def watermark(self) -> datetime: ...
    @property
    def lag(self) -> timedelta: ...
    @property
    def entries_behind(self) -> int: ...
    @property
    def failing(self) -> str | None: ...


class Alerts(Protocol):
    """Incidents and what people do about them; unknown ids raise `NotFound`."""

    def page(
        self,
        *,
        states: Collection[IncidentState] = (),
        limit: int = 100,
        cursor: str | None = None,
        order: Order = "newest",
        **equal: str,
    ) -> IncidentPage: ...
    def narrowing(
        self, *, states: Collection[IncidentState] = (), **equal: str
    ) -> Mapping[str, Sequence[str]]: ...
    def parts(self, wholes: Collection[str]) -> Mapping[str, int]: ...
    def receiving(self, since: datetime) -> Mapping[str, Receiving]: ...
    def get(self, incident_id: str) -> Incident: ...
    def of_cases(self, case_ids: Collection[str]) -> Sequence[Incident]: ...
    def affected(
        self, incident_id: str, *, after: int = 0, limit: int = 100
    ) -> Sequence[Affected]: ...
    def history(self, incident_id: str) -> Sequence[IncidentEvent]: ...
    def deliveries(self, incident_id: str) -> Sequence[Delivery]: ...
    def escalate_now(self, incident_id: str, *, who: str, text: str = "") -> Incident: ...
    def acknowledge(
        self, incident_id: str, *, who: str, text: str = "", episode: int | None = None
    ) -> Incident: ...
    def resolve(self, incident_id: str, *, who: str, text: str = "") -> Incident: ...
    def assign(self, incident_id: str, *, assignee: str, who: str, text: str = "") -> Incident: ...
    def note(self, incident_id: str, *, text: str, who: str) -> Incident: ...
    @property
    def policies(self) -> Policies: ...
    def try_out(self, receiver: str, *, who: str) -> Outcome: ...


class View(Protocol):
    """What was known at a past instant."""

    @property
    def telemetry(self) -> Telemetry: ...
    @property
    def derivation(self) -> Declared: ...
    @property
    def rulings(self) -> Rulings: ...
    @property
    def clock(self) -> Clock: ...
    @property
    def silent_systems(self) -> Callable[[datetime], Collection[str]]: ...


class Declared(Protocol):
    """The definitions that a view goes by."""

    @property
    def definitions(self) -> Definitions: ...
    @property
    def mapping(self) -> SourceMapping: ...


class Log(Protocol):
    """Inputs as received."""

    def entry(self, position: Position) -> Entry: ...


class Keeper(Protocol):
    """How much is kept, and what goes when; raises `LogUnavailable`."""

    @property
    def warning(self) -> str: ...
    def standing(self) -> Standing: ...
    def due(self) -> Sequence[Going]: ...
    def retain(self, who: str) -> Sequence[Going]: ...


class Forgetting(Protocol):
    """Contracts that are over long enough, and when such were forgotten last; raises
    `LogUnavailable`."""

    @property
    def last(self) -> datetime | None: ...
    def due(self) -> Ended: ...
    def forget(self, who: str) -> Ended: ...


class Erasing(Protocol):
    """Erasing a person's data; raises `ErasureRefused` and `LogUnavailable`."""

    def all(self) -> Sequence[Erasure]: ...
    def erase(
        self, identifiers: Collection[str], *, who: str, reason: str, dry_run: bool
    ) -> Report: ...


class Summaries(Protocol):
    """Executive summaries that are set up; an unknown name raises `NotFound`."""

    def rows(self) -> Sequence[SummaryRow]: ...
    def letter(self, services: ApiServices, name: str) -> SummaryLetter: ...
    def send(self, services: ApiServices, name: str, who: str) -> SummaryDelivery: ...


@dataclass(frozen=True, kw_only=True)
class ApiServices:
    """Every part the API reads from or acts on.

    `silent_systems` names the systems not heard of within their cadence at an instant. `rebuilding`
    says why the index is being built anew, `alerting_waits` for what deadlines wait to be judged;
    '' when it is not so. `evaluator` is the service that judges deadlines, '' when none is known.
    `redact` names attributes whose values a role does not see. `calendar` says where days and
    fiscal years begin. `activations` are the definitions as they were activated. `asker` is who
    sent the request that these services answer. `view` gives what was known at a past instant.
    `rotas` say who is on duty, by name, unless people decided otherwise in `overrides`;
    `maintenance` is announced. `dashboards_url` is where people find what stands on a page of their
    own. `keeper`, `erasing`, `forgetting`, `summaries`, `acknowledging`: None where none is.
    """

    telemetry: Telemetry
    definitions: Definitions
    alerts: Alerts
    rulings: Rulings
    log: Log
    clock: Clock
    status: Callable[[], Status]
    rebuilding: Callable[[], str]
    alerting_waits: Callable[[], str]
    evaluator: Callable[[], str]
    silent_systems: Callable[[datetime], Collection[str]]
    mapping: SourceMapping
    registry: CollectorRegistry
    gate: Gate
    audit: Audit
    closes: Closes
    silences: Silences
    overrides: Overrides
    activations: Activations
    denials: Denials
    redact: Mapping[Role, Collection[str]]
    view: Callable[[datetime], View]
    keeper: Keeper | None = None
    acknowledging: AcknowledgeLinks | None = None
    erasing: Erasing | None = None
    forgetting: Forgetting | None = None
    summaries: Summaries | None = None
    rotas: Mapping[str, Rota] = field(default_factory=dict)
    maintenance: Sequence[Maintenance] = ()
    calendar: FirmCalendar = field(default_factory=FirmCalendar)
    asker: Principal = ANONYMOUS
    dashboards_url: str = ""
    alive: Alive | None = None  # figures of the present, held; none: read each time
    answers: Answers | None = None  # about the present, kept; none: worked out each time

    def answer(self, question: Hashable, work: Callable[[], Answer]) -> Answer:
        """What `work` returns; of the present, perhaps what it returned lately."""
        return work() if self.answers is None else self.answers.to(question, work)

    def figures(self, since: datetime, until: datetime = NEVER) -> Figures:
        """What KPIs of windows that begin at `since` or later are computed from."""
        if self.alive is not None:
            return self.alive.since(since, until)
        return alive_since(self.telemetry, since, until)

    def as_of(self, instant: datetime) -> ApiServices:
        """The same questions asked of what was known at `instant`.

        Raises what `view` raises.
        """
        view = self.view(instant)
        return replace(
            self,
            telemetry=view.telemetry,
            definitions=view.derivation.definitions,
            mapping=view.derivation.mapping,
            rulings=view.rulings,
            clock=view.clock,
            silent_systems=view.silent_systems,
            alive=None,
            answers=None,
        )

    @cached_property
    def redaction(self) -> Redaction:
        """What the asker does not see."""
        return Redaction(self.redact, self.asker.roles)

    @property
    def unlinked_types(self) -> list[str]:
        """The object types whose names never tie anything together."""
        return [name for name, kind in self.mapping.objects.items() if not kind.links]


def _for_anybody(request: Request) -> ApiServices:
    return cast("ApiServices", request.app.state.services)


def _for_the_asker(request: Request) -> ApiServices:
    """Raises `NotProven` or `ProofUnknown` where whoever asks does not prove who it is."""
    services = _for_anybody(request)
    asker = services.gate.principal(request.headers.get("authorization", ""))
    return replace(services, asker=asker)


ServicesForAnybody = Annotated[ApiServices, Depends(_for_anybody)]
Services = Annotated[ApiServices, Depends(_for_the_asker)]


def _as_of(
    services: Services,
    as_of: Annotated[
        AwareDatetime | None,
        Query(description="what was received, ruled and active by then, judged as of then"),
    ] = None,
) -> ApiServices:
    return services if as_of is None else services.as_of(as_of)


ServicesAsOf = Annotated[ApiServices, Depends(_as_of)]
