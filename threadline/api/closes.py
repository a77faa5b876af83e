"""Monthly closes: taking one, what it froze, and what is known of its period since."""

from __future__ import annotations

from datetime import UTC
from typing import Annotated, Any

import polars as pl
from fastapi import APIRouter, Query

from metrics.kpis import unpacked
from threadline.api import closed, closing, cursors
from threadline.api.access import requires
from threadline.api.causes import Since
from threadline.api.problems import Refusal
from threadline.api.restating import Restated, activated, heard_since, restate
from threadline.api.services import ApiServices, Services, ServicesAsOf
from threadline.errors import NotFound, OutOfReach
from threadline.model import closes as model
from threadline.model.people import Permission
from threadline.store.control.closes import AlreadyClosed
from threadline.wire import (
    Close,
    ClosedPeriod,
    CloseRequest,
    CountedEntry,
    Page,
    RestatedCase,
    Restatement,
)

Limit = Annotated[int, Query(ge=1, le=500)]
Revision = Annotated[int | None, Query(ge=1, description="by default the last")]

router = APIRouter(prefix="/closes", tags=["closes"], dependencies=[requires(Permission.FIGURES)])


@router.get("")
def page(services: Services, limit: Limit = 100, cursor: int | None = None) -> Page[Close]:
    """Every close there is, the last taken first."""
    found = services.closes.latest(limit + 1, cursor)
    following = str(found[limit - 1].number) if len(found) > limit else None
    return Page(items=[closed.close(one) for one in found[:limit]], next=following)


@router.post("", status_code=201, dependencies=[requires(Permission.CLOSING)])
def close(services: Services, asked: CloseRequest) -> Close:
    """Freeze what is published of a month, from what was known at an instant.

    The view of that instant may have to be derived first: 503 then; ask again with the same `at`.
    409: it is closed already. Closing `again` adds a revision, and the former stand.
    """
    who = services.asker.named(asked.actor)
    at = asked.at.astimezone(UTC) if asked.at else services.clock.now()
    try:
        taken = closing.take(
            services, asked.period, at, who=who, note=asked.note.strip(), again=asked.again
        )
    except AlreadyClosed as error:
        detail = f"{error}. To add a revision beside it, say again"
        raise Refusal(409, detail, title="Already closed") from error
    except ValueError as error:
        raise Refusal(422, f"period: {error}") from error
    except OutOfReach as error:
        raise Refusal(422, f"at: {error}", title="Nothing is known of that past") from error
    return closed.close(taken)


@router.get("/{period}")
def one(services: Services, period: str, revision: Revision = None) -> ClosedPeriod:
    """All that was published of a month."""
    found = services.closes.get(period, revision)
    kpis = services.closes.kpis(found.number)
    items = [item for kpi in kpis for item in closed.published(services, kpi)]
    return ClosedPeriod(close=closed.close(found), items=items)


@router.get("/{period}/kpis/{kpi}")
def population(
    services: Services,
    period: str,
    kpi: str,
    revision: Revision = None,
    limit: Limit = 100,
    cursor: str | None = None,
) -> Page[CountedEntry]:
    """Exactly what a published value was computed from, what counts first."""
    found = services.closes.get(period, revision)
    published = _named(services, found, kpi)
    content = services.closes.population(found.number, kpi)
    if content is None:
        raise Refusal(404, f"{kpi}: rested on {published.rows:,} rows, more than a close keeps")
    rows = unpacked(content).sort(pl.col("behind"), descending=True, maintain_order=True)
    shown, following = _part(rows, limit, cursor)
    return Page(items=[closed.entry(published, row) for row in shown], next=following)


@router.get("/{period}/restatement")
def restatement(
    services: ServicesAsOf, period: str, revision: Revision = None, kpi: str = ""
) -> Restatement:
    """Every published figure, or those of one KPI, beside what is known of the same instant now."""
    found = services.closes.get(period, revision)
    if kpi:
        _named(services, found, kpi)
    told = _restated(services, found, kpi)
    items = [item for one in told for item in closed.restated(services, one)]
    return Restatement(
        close=closed.close(found),
        as_of=min(services.clock.now(), services.status().watermark),
        items=items,
        definitions=[closed.change(one) for one in activated(services, found)],
        heard_since=heard_since(services, found),
    )


@router.get(
    "/{period}/restatement/{kpi}",
    dependencies=[requires(Permission.THREADS)],
)
def restated_cases(
    services: ServicesAsOf,
    period: str,
    kpi: str,
    revision: Revision = None,
    limit: Limit = 50,
    cursor: str | None = None,
) -> Page[RestatedCase]:
    """What counts otherwise in a KPI than it did at the close, each with what caused it."""
    found = services.closes.get(period, revision)
    published = _named(services, found, kpi)
    told = _restated(services, found, kpi)[0]
    if told.changes is None:
        raise Refusal(404, f"{kpi}: it cannot be told case by case; its figures are compared only")
    shown, following = _part(told.changes, limit, cursor)
    since = Since(services, found, activated(services, found), heard_since(services, found))
    items = [
        closed.restated_case(services, published, row, causes)
        for row, causes in zip(shown, since.of(shown, kpi), strict=True)
    ]
    return Page(items=items, next=following)


def _restated(services: ApiServices, found: model.Close, kpi: str) -> list[Restated]:
    """Refuses while the index is not whole: what is not derived yet would have left."""
    if because := services.rebuilding():
        title = "The index is being rebuilt"
        raise Refusal(503, f"{because}: ask again when it is whole", title=title)
    return restate(services, found, only=kpi)


def _named(services: ApiServices, found: model.Close, kpi: str) -> model.ClosedKpi:
    for one in services.closes.kpis(found.number):
        if one.kpi == kpi:
            return one
    raise NotFound("closed KPI", kpi)


def _part(
    rows: pl.DataFrame, limit: int, cursor: str | None
) -> tuple[list[dict[str, Any]], str | None]:
    start = int(cursors.decode(cursor, int)[0]) if cursor else 0
    following = cursors.encode(start + limit) if rows.height > start + limit else None
    return rows.slice(start, limit).to_dicts(), following
