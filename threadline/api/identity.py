"""Identity: what resolves to what and why, contradictions, orphans and suspicions."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Annotated, Any, Literal

import polars as pl
from fastapi import APIRouter, Query

from collector.identity.links import asserted
from collector.identity.suspicions import ranked
from collector.identity.ties import PLACE, VALIDITY
from collector.identity.versions import winners
from threadline.api import cursors, rulings, suspecting, threads
from threadline.api.access import requires
from threadline.api.problems import Refusal
from threadline.api.redaction import HIDDEN
from threadline.api.services import ApiServices, Services
from threadline.model.people import Permission
from threadline.store.control.rulings import Ruling as Ruled
from threadline.store.telemetry import cases as case_store
from threadline.store.telemetry import contradictions, search, tenures
from threadline.store.telemetry.facts import naming
from threadline.wire import (
    Assertion,
    CaseName,
    ConflictCount,
    ConflictRow,
    IdentifierEvidence,
    Orphan,
    OrphanCount,
    Page,
    Suspicion,
    SuspicionPage,
    Tenure,
    Tie,
)

MICROSECONDS = pl.Datetime("us", "UTC")  # what Python's instants tell
SAME_NAME = 20  # so many identifiers of one value are looked into
LATEST = "2262-01-01T00:00:00+00:00"  # the last year the store can tell

Limit = Annotated[int, Query(ge=1, le=500)]
Days = Annotated[int, Query(ge=1, le=365, description="received in so many days")]

router = APIRouter(tags=["identity"], dependencies=[requires(Permission.THREADS)])


@router.get("/identifiers/{identifier:path}")
def evidence(services: Services, identifier: str) -> Page[IdentifierEvidence]:
    """Every identifier of that value, in any spelling: what it resolves to and all its evidence."""
    text = identifier.strip()
    names = {text, *(services.mapping.normalised(n, text) for n in services.mapping.namespaces)}
    found = search.exact(
        services.telemetry,
        text,
        spellings=names - {""},
        unlinked=services.unlinked_types,
        limit=SAME_NAME,
    )
    seen = [not _hidden(services, kind) for kind in found["object_type"].to_list()]
    found = found.filter(pl.Series(seen, dtype=pl.Boolean))
    if found.is_empty():
        raise Refusal(404, f"No fact has named the identifier {text!r}.", title="Not found")
    linking = found.filter(~pl.col("object_type").is_in(services.unlinked_types))
    if linking.is_empty():
        kind = found["object_type"][0]
        detail = f"{text!r} names a {kind}: such names are searchable and never tie anything."
        raise Refusal(404, detail, title="Never tied")
    return Page(items=[_evidence(services, row) for row in linking.iter_rows(named=True)])


@router.get("/conflicts")
def conflicts(
    services: Services,
    kind: str = "",
    system: str = "",
    state: Literal["", "conflict", "retracted"] = "",
    limit: Limit = 100,
    cursor: str | None = None,
) -> Page[ConflictRow]:
    """Ties that do not hold, with the contracts and cases they touch."""
    after = [str(part) for part in cursors.decode(cursor, str, str, str)] if cursor else [""] * 3
    rows = contradictions.conflicts(
        services.telemetry,
        kind=kind,
        system=system,
        state=state,
        after=(after[0], after[1], after[2]),
        limit=limit + 1,
    ).to_dicts()
    following = None
    if len(rows) > limit:
        following = cursors.encode(*(rows[limit - 1][end] for end in ("kind", "child", "parent")))
    return Page(items=_conflicts(services, rows[:limit]), next=following)


@router.get("/conflicts/counts")
def conflict_counts(services: Services) -> Page[ConflictCount]:
    """How many there are, by the system that told of them and by relation."""
    counted = contradictions.conflict_counts(services.telemetry)
    return Page(items=[ConflictCount(**row) for row in counted.iter_rows(named=True)])


@router.get("/orphans")
def orphans(
    services: Services,
    source: str = "",
    reason: Literal["", "names-nobody", "not-tied"] = "",
    days: Days = 30,
    limit: Limit = 100,
    cursor: str | None = None,
) -> Page[Orphan]:
    """Facts that belong to no contract as things stand, the last received first."""
    span = (services.clock.now() - timedelta(days=days), cursors.instant(LATEST))
    return orphans_page(services, span, source=source, reason=reason, limit=limit, cursor=cursor)


def orphans_page(
    services: ApiServices,
    span: tuple[datetime, datetime],
    *,
    source: str,
    reason: str = "",
    limit: int,
    cursor: str | None,
) -> Page[Orphan]:
    """Orphans received in `span`, `[since, until)`, the last received first."""
    place = cursors.decode(cursor, str, str) if cursor else [span[1].isoformat(), ""]
    rows = contradictions.orphans(
        services.telemetry,
        span[0],
        (cursors.instant(place[0]), str(place[1])),
        source=source,
        reason=reason,
        limit=limit + 1,
    ).to_dicts()
    following = None
    if len(rows) > limit:
        last = rows[limit - 1]
        following = cursors.encode(last["received_at"].isoformat(), last["fact_id"])
    items = [
        Orphan(**row | {"identifiers": [n for n in row["identifiers"] if not _hidden(services, n)]})
        for row in rows[:limit]
    ]
    return Page(items=items, next=following)


@router.get("/orphans/counts")
def orphan_counts(services: Services, days: Days = 30) -> Page[OrphanCount]:
    """How many there are, by source and reason, of how many facts of that source."""
    since = services.clock.now() - timedelta(days=days)
    counted = contradictions.orphan_counts(services.telemetry, since)
    return Page(items=[OrphanCount(**row) for row in counted.iter_rows(named=True)])


@router.get("/suspicions")
def suspicions(
    services: Services, days: Days = 30, limit: Limit = 50, cursor: str | None = None
) -> SuspicionPage:
    """Ties that may be missing, the likeliest first; none is made unless somebody rules so.

    One answer looks at a bounded number of the orphans named in so many days, those named last
    first; `next` goes on with those before.
    """
    place = cursors.decode(cursor, str, str) if cursor else [LATEST, ""]
    look = suspecting.look(
        services.telemetry,
        services.mapping,
        services.rulings.about_pairs(),
        services.clock.now() - timedelta(days=days),
        (cursors.instant(place[0]), str(place[1])),
        first=cursor is None,
    )
    return SuspicionPage(
        items=[
            Suspicion(**vars(one) | {"why": [_shown(services, words) for words in one.why]})
            for one in ranked(look.found, limit)
        ],
        next=cursors.encode(look.last[0].isoformat(), look.last[1]) if look.last else None,
        looked_at=look.looked_at,
        orphans=look.orphans,
    )


def _hidden(services: ApiServices, identifier: str) -> bool:
    """Whether those who ask may not see identifiers of that type."""
    return services.redaction.hides(identifier.partition(":")[0])


def _shown(services: ApiServices, words: str) -> str:
    """`words` of a suspicion, unless they tell an identifier that is hidden."""
    never = services.unlinked_types
    told = any(f"{kind}:" in words for kind in never if services.redaction.hides(kind))
    return HIDDEN if told else words


def _evidence(services: ApiServices, row: dict[str, Any]) -> IdentifierEvidence:
    identifier = ":".join(row[part] for part in ("object_type", "namespace", "value"))
    stored = search.links_at(services.telemetry, identifier)
    told = _asserted(services, identifier)
    made = services.rulings.about([identifier])
    ties = [
        _tie(link, told, [one for one in made if _pair(one) == _ends(link)])
        for link in stored.iter_rows(named=True)
    ]
    return IdentifierEvidence(
        identifier=identifier,
        object_id=row["object_id"],
        owner_id=row["owner_id"],
        root_id=row["root_id"],
        tenures=[_tenure(row) for row in tenures.of(services.telemetry, [identifier]).to_dicts()],
        ties=sorted(ties, key=lambda tie: (tie.state != "held", tie.kind, tie.child, tie.parent)),
    )


def _tenure(row: dict[str, Any]) -> Tenure:
    return Tenure(**{name: row[name] for name in PLACE}, **threads.validity(row))


def _asserted(services: ApiServices, identifier: str) -> pl.DataFrame:
    """All that stored facts assert about an identifier, with the facts' names and receipts."""
    facts = winners(naming(services.telemetry, [identifier]))
    told = asserted(facts, services.mapping).filter(
        (pl.col("child") == identifier) | (pl.col("parent") == identifier)
    )
    return told.join(facts.select("fact_id", "name", "received_at"), on="fact_id")


def _tie(link: dict[str, Any], told: pl.DataFrame, made: Sequence[Ruled]) -> Tie:
    kind, child, parent = _ends(link)
    ends = [pl.col(end).cast(MICROSECONDS) == link[end] for end in VALIDITY]
    pair = (pl.col("kind") == kind, pl.col("child") == child, pl.col("parent") == parent)
    rows = told.filter(*pair, *ends, ~pl.col("retracts"))
    taken_back = told.filter(*pair, "retracts")
    return Tie(
        kind=kind,
        child=child,
        parent=parent,
        state=link["state"],
        reason=link["reason"],
        since=min((at for at in rows["at"] if at), default=None),
        **threads.validity(link),
        assertions=_facts(rows),
        retractions=_facts(taken_back),
        rulings=[rulings.told(one) for one in made],
    )


def _facts(told: pl.DataFrame) -> list[Assertion]:
    return [Assertion(**row) for row in told.select(*Assertion.model_fields).to_dicts()]


def _ends(link: dict[str, Any]) -> tuple[str, str, str]:
    child, parent = (
        ":".join(link[f"{end}_{part}"] for part in ("type", "namespace", "value"))
        for end in ("child", "parent")
    )
    return link["kind"], child, parent


def _pair(ruling: Ruled) -> tuple[str, str, str]:
    return ruling.kind, str(ruling.child), str(ruling.parent)


def _conflicts(services: ApiServices, rows: Sequence[dict[str, Any]]) -> list[ConflictRow]:
    roots = sorted({root for row in rows for root in row["roots"]})
    touched = case_store.cases_of(services.telemetry, roots).select("root_id", "journey", "case_id")
    cases: dict[str, list[CaseName]] = {}
    for root, journey, case_id in touched.iter_rows():
        cases.setdefault(root, []).append(CaseName(journey=journey, case_id=case_id))
    return [
        ConflictRow(
            **{name: value for name, value in row.items() if name != "roots"},
            contracts=row["roots"],
            cases=[case for root in row["roots"] for case in cases.get(root, [])],
        )
        for row in rows
    ]
