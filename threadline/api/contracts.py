"""Finding a contract by any id a person has at hand, and its thread."""

from __future__ import annotations

import re
from collections.abc import Collection
from typing import Annotated

import polars as pl
from fastapi import APIRouter, Query

from threadline.api import cases
from threadline.api.access import requires
from threadline.api.problems import Refusal
from threadline.api.redaction import HIDDEN
from threadline.api.services import ApiServices, ServicesAsOf
from threadline.api.threads import thread
from threadline.model.people import Permission
from threadline.store.telemetry import cases as case_store
from threadline.store.telemetry import search, tenures
from threadline.wire import CaseRow, ContractHit, Page, Thread

TRACE_ID = re.compile(r"[0-9a-fA-F]{32}")
TRACE_PREFIX = re.compile(r"[0-9a-fA-F]{8,32}")
CANDIDATES = 50  # more contracts than this under one id help nobody to choose

router = APIRouter(
    prefix="/contracts", tags=["contracts"], dependencies=[requires(Permission.THREADS)]
)


@router.get("")
def find(
    services: ServicesAsOf,
    q: Annotated[str, Query(min_length=2, max_length=200)],
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
) -> Page[ContractHit]:
    """Contracts with an identifier that holds `q`, in any case, or a trace id beginning with it."""
    text = q.strip()
    found = search.by_part(services.telemetry, text, unlinked=services.unlinked_types, limit=limit)
    if TRACE_PREFIX.fullmatch(text) and found.height < limit:
        traced = search.by_trace(services.telemetry, text, limit - found.height)
        found = pl.concat([found, traced], how="vertical_relaxed")
    return Page(items=_hits(services, found))


@router.get("/{identifier:path}")
def one(services: ServicesAsOf, identifier: str) -> Thread:
    """The thread of the one contract that `identifier` leads to.

    404: it leads to none. 300: to several, which the problem's `candidates` name.
    """
    root = root_of(services, identifier)
    whole = thread(services, root)
    if whole is None:
        text = identifier.strip()
        detail = f"{text!r} leads to {root}, of which nothing is derived yet: ask again soon."
        raise Refusal(404, detail, title="Not derived yet")
    return whole


def root_of(services: ApiServices, identifier: str) -> str:
    """The one contract that `identifier` leads to; a 404 or 300 problem for none or several."""
    text = identifier.strip()
    found = _exact(services, text)
    roots = found.filter(pl.col("root_id") != "")["root_id"].unique(maintain_order=True).to_list()
    if not roots:
        raise _unknown(text, found)
    if len(roots) > 1:
        detail = f"{text!r} leads to {len(roots)} contracts; ask for one of the candidates"
        hits = _hits(services, found)
        raise Refusal(300, detail, title="Several contracts", candidates=hits)
    return str(roots[0])


def _exact(services: ApiServices, text: str) -> pl.DataFrame:
    mapping = services.mapping
    spellings = {text, *(mapping.normalised(name, text) for name in mapping.namespaces)}
    traced = TRACE_ID.fullmatch(text) is not None

    def named(unlinked: Collection[str]) -> pl.DataFrame:
        said = {"spellings": spellings - {""}, "unlinked": unlinked}
        return search.exact(services.telemetry, text, limit=CANDIDATES, **said)

    found = _with_other_lives(services, named(() if traced else services.unlinked_types))
    if found.is_empty() and traced:
        found = search.by_trace(services.telemetry, text, CANDIDATES)
        return named(services.unlinked_types) if found.is_empty() else found
    return found


def _with_other_lives(services: ApiServices, found: pl.DataFrame) -> pl.DataFrame:
    """`found`, and what identifiers that are given out again meant before."""
    reused = [kind.name for kind in services.mapping.bounded if kind.reused]
    names = pl.concat_str("object_type", "namespace", "value", separator=":")
    again = found.filter(pl.col("object_type").is_in(reused)).select(names).to_series().to_list()
    if not again:
        return found
    before = tenures.of(services.telemetry, again).filter(
        pl.col("root_id") != "", ~pl.col("object_id").is_in(found["object_id"].implode())
    )
    return pl.concat([found, before.select(found.columns)], how="vertical_relaxed")


def _unknown(text: str, found: pl.DataFrame) -> Refusal:
    if found.is_empty():
        return Refusal(404, f"Nothing is known by the identifier {text!r}.", title="Not found")
    kinds = found["object_type"].unique().sort().to_list()
    detail = (
        f"{text!r} is known ({', '.join(kinds)}), but nothing ties it to a contract yet: it is an"
        " orphan, and is attributed as soon as a fact names it together with one."
    )
    return Refusal(404, detail, title="No contract yet")


def _hits(services: ApiServices, found: pl.DataFrame) -> list[ContractHit]:
    """One hit per contract, in the order found, with its most urgent case."""
    matches: dict[str, str] = {}
    for row in found.filter(pl.col("root_id") != "").iter_rows(named=True):
        name = f"{row['object_type']}:{row['namespace']}:{row['value']}"
        if services.redaction.hides(row["object_type"]):
            name = HIDDEN
        matches.setdefault(row["root_id"], name.replace("trace::", "trace "))
    if not matches:
        return []
    rows = cases.rows(services, case_store.cases_of(services.telemetry, list(matches)))
    urgent = {row.contract: row for row in sorted(rows, key=cases.urgency, reverse=True)}
    return [_hit(root, matched, urgent.get(root)) for root, matched in matches.items()]


def _hit(root: str, matched: str, case: CaseRow | None) -> ContractHit:
    number = root.split(":", 2)[2]
    if case is None:
        return ContractHit(identifier=root, number=number, matched=matched)
    return ContractHit(
        identifier=root,
        number=number,
        matched=matched,
        state=case.state,
        sla=case.sla,
        current_step=case.current_title,
        value=case.value,
    )
