"""The dashboards' only source: the HTTP API."""

from __future__ import annotations

import os
import ssl
from collections.abc import Mapping, Sequence
from typing import Any, TypeVar
from urllib.parse import quote

import httpx
import streamlit as st
from pydantic import BaseModel, ValidationError

from dashboards import past, sign_in
from threadline.wire import (
    AffectedCase,
    CaseRow,
    Close,
    ConflictCount,
    ConflictRow,
    ContractHit,
    FactDetail,
    Health,
    IdentifierEvidence,
    Incident,
    JourneyRow,
    KpiComparison,
    KpiContribution,
    KpiFact,
    KpiPage,
    KpiSeriesPoint,
    Me,
    Mismatch,
    MismatchCount,
    Narrowing,
    Orphan,
    OrphanCount,
    Page,
    Paths,
    Problem,
    Receiver,
    RestatedCase,
    Restatement,
    Rota,
    Ruling,
    Silence,
    SilencePreview,
    SourceRow,
    SuspicionPage,
    SystemHeard,
    Thread,
)

DEFAULT_URL = "http://127.0.0.1:8080"
PATIENCE = "40"  # seconds; an answer about the past may wait for its view first

Shape = TypeVar("Shape", bound=BaseModel)
Query = Mapping[str, str | int | None]
Matchers = Sequence[Mapping[str, str]]  # label, op and value of each


class Unreachable(Exception):
    """The API does not answer at `url`."""

    def __init__(self, url: str, reason: str) -> None:
        super().__init__(f"{url}: {reason}")
        self.url, self.reason = url, reason


class Refused(Exception):
    """The API answered with a problem."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(problem.detail or problem.title)
        self.problem = problem


class Api:
    """Typed calls in the name of who looks; each raises `Unreachable` or `Refused`."""

    def __init__(self, http: httpx.Client, token: str) -> None:
        self.url = str(http.base_url).rstrip("/")
        self._http = http
        self._headers = {"authorization": f"Bearer {token}"} if token else {}

    def me(self) -> Me:
        return self._get(Me, "/api/v1/me")

    def health(self) -> Health:
        return self._get(Health, "/readyz", accept=(200, 503))

    def sources(self) -> list[SourceRow]:
        return self._get(Page[SourceRow], "/api/v1/sources").items

    def journeys(self) -> list[JourneyRow]:
        return self._get(Page[JourneyRow], "/api/v1/journeys", past.address()).items

    def journey_cases(self, journey: str, query: Query) -> Page[CaseRow]:
        return self._get(Page[CaseRow], f"/api/v1/journeys/{quote(journey)}/cases", query)

    def paths(self, journey: str, query: Query) -> Paths:
        return self._get(Paths, f"/api/v1/journeys/{quote(journey)}/paths", query)

    def path_cases(self, journey: str, query: Query) -> Page[CaseRow]:
        return self._get(Page[CaseRow], f"/api/v1/journeys/{quote(journey)}/paths/cases", query)

    def kpis(self, query: Query) -> KpiPage:
        return self._get(KpiPage, "/api/v1/kpis", query)

    def series(self, kpi: str, query: Query) -> list[KpiSeriesPoint]:
        return self._get(Page[KpiSeriesPoint], f"/api/v1/kpis/{kpi}/series", query).items

    def contribution(self, kpi: str, query: Query) -> list[KpiContribution]:
        path = f"/api/v1/kpis/{kpi}/contribution"
        return self._get(Page[KpiContribution], path, query).items

    def cases_behind(self, kpi: str, query: Query) -> Page[CaseRow]:
        return self._get(Page[CaseRow], f"/api/v1/kpis/{kpi}/cases", query)

    def comparison(self, kpi: str, query: Query) -> KpiComparison:
        return self._get(KpiComparison, f"/api/v1/kpis/{kpi}/comparison", query)

    def compared_cases(self, kpi: str, query: Query) -> Page[CaseRow]:
        return self._get(Page[CaseRow], f"/api/v1/kpis/{kpi}/comparison/cases", query)

    def facts_behind(self, kpi: str, query: Query) -> Page[KpiFact]:
        return self._get(Page[KpiFact], f"/api/v1/kpis/{kpi}/facts", query)

    def systems_behind(self, kpi: str, query: Query) -> Page[SystemHeard]:
        """Every system with a cadence, the furthest beyond it first."""
        return self._get(Page[SystemHeard], f"/api/v1/kpis/{kpi}/systems", query)

    def closes(self) -> list[Close]:
        return self._get(Page[Close], "/api/v1/closes", {"limit": 500}).items

    def restatement(self, period: str, query: Query) -> Restatement:
        return self._get(Restatement, f"/api/v1/closes/{quote(period)}/restatement", query)

    def restated_cases(self, period: str, kpi: str, query: Query) -> Page[RestatedCase]:
        path = f"/api/v1/closes/{quote(period)}/restatement/{quote(kpi)}"
        return self._get(Page[RestatedCase], path, query)

    def close(self, said: Mapping[str, object]) -> Close:
        """Close a month: period, at, note, again and actor."""
        return self._parsed(Close, self._send("POST", "/api/v1/closes", json=said), (201,))

    def fact(self, fact_id: str) -> FactDetail:
        return self._get(FactDetail, f"/api/v1/facts/{quote(fact_id)}")

    def search(self, text: str) -> list[ContractHit]:
        return self._get(Page[ContractHit], "/api/v1/contracts", {"q": text} | past.address()).items

    def thread(self, identifier: str) -> Thread:
        path = f"/api/v1/contracts/{quote(identifier, safe=':')}"
        return self._get(Thread, path, past.address())

    def incidents(self, query: Query) -> Page[Incident]:
        return self._get(Page[Incident], "/api/v1/incidents", query)

    def narrowing(self, query: Query) -> Narrowing:
        return self._get(Narrowing, "/api/v1/incidents/narrowing", query)

    def incident(self, incident_id: str) -> Incident:
        return self._get(Incident, f"/api/v1/incidents/{quote(incident_id, safe='')}")

    def affected(self, incident_id: str, query: Query) -> Page[AffectedCase]:
        path = f"/api/v1/incidents/{quote(incident_id, safe='')}/cases"
        return self._get(Page[AffectedCase], path, query)

    def evidence(self, identifier: str) -> list[IdentifierEvidence]:
        path = f"/api/v1/identifiers/{quote(identifier, safe=':')}"
        return self._get(Page[IdentifierEvidence], path).items

    def conflicts(self, query: Query) -> Page[ConflictRow]:
        return self._get(Page[ConflictRow], "/api/v1/conflicts", query)

    def conflict_counts(self) -> list[ConflictCount]:
        return self._get(Page[ConflictCount], "/api/v1/conflicts/counts").items

    def mismatches(self, query: Query) -> Page[Mismatch]:
        return self._get(Page[Mismatch], "/api/v1/mismatches", query)

    def mismatch_counts(self) -> list[MismatchCount]:
        return self._get(Page[MismatchCount], "/api/v1/mismatches/counts").items

    def suspicions(self, query: Query) -> SuspicionPage:
        return self._get(SuspicionPage, "/api/v1/suspicions", query)

    def orphans(self, query: Query) -> Page[Orphan]:
        return self._get(Page[Orphan], "/api/v1/orphans", query)

    def orphan_counts(self, query: Query) -> list[OrphanCount]:
        return self._get(Page[OrphanCount], "/api/v1/orphans/counts", query).items

    def rulings(self, query: Query) -> list[Ruling]:
        return self._get(Page[Ruling], "/api/v1/rulings", query).items

    def rule(self, said: Mapping[str, str]) -> Ruling:
        """Rule on a tie: act, kind, child, parent, why and actor."""
        return self._parsed(Ruling, self._send("POST", "/api/v1/rulings", json=said), (201,))

    def act(self, incident_id: str, act: str, said: Mapping[str, str]) -> Incident:
        """Acknowledge, escalate, resolve, assign or note: actor, text and assignee."""
        path = f"/api/v1/incidents/{quote(incident_id, safe='')}/{act}"
        return self._parsed(Incident, self._send("POST", path, json=said), (200,))

    def silences(self, query: Query) -> list[Silence]:
        return self._get(Page[Silence], "/api/v1/silences", query).items

    def muted_by(self, matchers: Matchers) -> SilencePreview:
        """What a silence with these matchers would mute now."""
        asked = self._send("POST", "/api/v1/silences/preview", json={"matchers": matchers})
        return self._parsed(SilencePreview, asked, (200,))

    def silence(self, said: Mapping[str, object]) -> Silence:
        """Make a silence: matchers, ends_at, comment and actor."""
        return self._parsed(Silence, self._send("POST", "/api/v1/silences", json=said), (201,))

    def end_silence(self, silence_id: str, actor: str) -> Silence:
        path = f"/api/v1/silences/{quote(silence_id, safe='')}"
        return self._parsed(Silence, self._send("DELETE", path, params={"actor": actor}), (200,))

    def rotas(self) -> list[Rota]:
        return self._get(Page[Rota], "/api/v1/rotas").items

    def receivers(self) -> list[Receiver]:
        return self._get(Page[Receiver], "/api/v1/receivers").items

    def _get(
        self,
        shape: type[Shape],
        path: str,
        query: Query | None = None,
        accept: tuple[int, ...] = (200,),
    ) -> Shape:
        given = {key: value for key, value in (query or {}).items() if value not in (None, "")}
        return self._parsed(shape, self._send("GET", path, params=given), accept)

    def _send(self, method: str, path: str, **request: Any) -> httpx.Response:
        try:
            return self._http.request(method, path, headers=self._headers, **request)
        except httpx.HTTPError as error:
            raise Unreachable(self.url, str(error) or type(error).__name__) from error

    def _parsed(
        self, shape: type[Shape], response: httpx.Response, accept: tuple[int, ...]
    ) -> Shape:
        try:
            if response.status_code in accept:
                return shape.model_validate_json(response.content)
            problem = Problem.model_validate_json(response.content)
        except ValidationError as error:
            reason = f"{response.status_code} without an answer of Threadline's API"
            raise Unreachable(self.url, reason) from error
        raise Refused(problem)


def api() -> Api:
    """The API at `THREADLINE_API_URL`, asked with the token of this session."""
    return Api(_http(), sign_in.token())


@st.cache_resource
def _http() -> httpx.Client:
    """One connection pool for all sessions; it carries nobody's token."""
    authority = os.environ.get("THREADLINE_API_AUTHORITY", "")
    return httpx.Client(
        base_url=os.environ.get("THREADLINE_API_URL", DEFAULT_URL),
        timeout=httpx.Timeout(
            float(os.environ.get("THREADLINE_API_TIMEOUT", PATIENCE)), connect=3.0
        ),
        trust_env=False,
        verify=ssl.create_default_context(cafile=authority) if authority else True,
    )
