"""Links and rulings for tests of identity, written shortly, and strategies for them."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import polars as pl
from hypothesis import strategies as st

from collector.identity.resolution import Resolution, resolve
from collector.identity.ties import EVIDENCE, RULINGS, Evidence, Pair, Verdict, links_frame, pairs
from collector.mapping import load
from collector.validity import ALWAYS, FOREVER

MAPPING = load()
CLM, CLM2, CLM3 = "contract:clm:C-1", "contract:clm:C-2", "contract:clm:C-3"
CRM, CRM2 = "contract:crm:800", "contract:crm:801"
ERP, ERP2, PSA = "project:erp:P-1", "project:erp:P-2", "project:psa:D-1"
AMENDMENT, ORDER = "amendment:clm:A-1", "purchase_order:procurement:PO-1"
INVOICE, PAYMENT, MILESTONE = "invoice:erp:1", "payment:bank:B", "milestone:psa:M"
NONE = RULINGS.to_frame()


def link(
    kind: str,
    child: str,
    parent: str,
    at: int = 0,
    *,
    mastered: bool = True,
    since: int = ALWAYS,
    until: int = FOREVER,
) -> pl.DataFrame:
    """One pair and its evidence, `at` nanoseconds; the fact's id says so too."""
    found = Evidence(at=at, fact_id=f"f{at}", system="erp", mastered=mastered)
    rows = links_frame({Pair(kind, child, parent, since, until): (found, Verdict())})
    return rows.select(EVIDENCE.names())


def belongs(child: str, parent: str, at: int = 0, **more: Any) -> pl.DataFrame:
    return link("belongs_to", child, parent, at, **more)


def same(child: str, parent: str, at: int = 0, **more: Any) -> pl.DataFrame:
    return link("same_as", child, parent, at, **more)


def ruling(act: str, kind: str, child: str, parent: str, hour: int = 0) -> pl.DataFrame:
    at = datetime(2026, 1, 1, hour, tzinfo=UTC)
    row = (hour, kind, child, parent, act, at, "auditor", "seen the paper")
    return pl.DataFrame([row], schema=RULINGS, orient="row")


def resolved(*links: pl.DataFrame, rulings: pl.DataFrame = NONE) -> Resolution:
    whole = pl.concat(links) if links else EVIDENCE.to_frame()
    return resolve(whole, rulings, MAPPING)


def places(resolution: Resolution) -> dict[str, tuple[str, str, str]]:
    """By identifier: object, owner, root."""
    frame = resolution.identifiers
    names = frame.select(pl.concat_str("object_type", "namespace", "value", separator=":"))
    rows = frame.select("object_id", "owner_id", "root_id").rows()
    return dict(zip(names.to_series().to_list(), rows, strict=True))


def lost(resolution: Resolution) -> dict[tuple[str, str], tuple[str, str]]:
    """By pair that is not held: state and reason."""
    frame = resolution.links
    found = zip(pairs(frame), frame.select("state", "reason").rows(), strict=True)
    return {(p.child, p.parent): row for p, row in found if row[0] != "held"}


NAMES = {
    "contract": [CLM, CLM2, CRM, CRM2],
    "project": [ERP, ERP2, PSA],
    "invoice": [INVOICE],
    "milestone": [MILESTONE],
    "amendment": [AMENDMENT],
    "purchase_order": [ORDER],
}
KINDS = [
    ("same_as", "contract", "contract"),
    ("same_as", "project", "project"),
    ("belongs_to", "project", "contract"),
    ("belongs_to", "invoice", "project"),
    ("belongs_to", "invoice", "contract"),
    ("belongs_to", "milestone", "project"),
    ("bills", "invoice", "milestone"),
]
TIMED = [
    ("belongs_to", "amendment", "contract"),
    ("belongs_to", "purchase_order", "contract"),
    ("belongs_to", "purchase_order", "contract"),
]
INSTANTS = st.sampled_from([ALWAYS, ALWAYS, 2, 4, 6])


@st.composite
def asserted(draw: st.DrawFn) -> pl.DataFrame:
    kind, child, parent = draw(st.sampled_from(KINDS))
    return link(
        kind,
        draw(st.sampled_from(NAMES[child])),
        draw(st.sampled_from(NAMES[parent])),
        draw(st.integers(0, 3)),
        mastered=draw(st.booleans()),
    )


@st.composite
def bounded(draw: st.DrawFn) -> pl.DataFrame:
    """Any tie may say when it holds, those of projects and contracts too: objects.yaml decides."""
    kind, child, parent = draw(st.sampled_from([*KINDS, *TIMED, *TIMED]))
    since = draw(INSTANTS)
    return link(
        kind,
        draw(st.sampled_from(NAMES[child])),
        draw(st.sampled_from(NAMES[parent])),
        draw(st.integers(0, 7)),
        mastered=draw(st.booleans()),
        since=since,
        until=draw(st.sampled_from([FOREVER, FOREVER, since + 1, since + 2])),
    )


def _meaningful(links: pl.DataFrame) -> bool:
    pair = pairs(links)[0]
    return pair.kind != "same_as" or pair.child.split(":")[1] != pair.parent.split(":")[1]


LINKS = st.lists(asserted().filter(_meaningful), max_size=10) | st.lists(
    bounded().filter(_meaningful), max_size=10
)
ACTS, HOURS = st.sampled_from(["assert", "retract", "lift"]), st.integers(0, 3)
ONE_RULING = st.builds(
    ruling,
    ACTS,
    st.just("belongs_to"),
    st.sampled_from([ERP, PSA, ORDER, AMENDMENT]),
    st.sampled_from([CLM, CLM2]),
    HOURS,
) | st.builds(ruling, ACTS, st.just("same_as"), st.just(CLM2), st.sampled_from([CLM, CRM]), HOURS)
WORKING_SETS = st.integers(0, 4)  # nearly always too small, so that links come and go
SOME_RULINGS = st.lists(ONE_RULING, max_size=2).map(lambda rulings: pl.concat([NONE, *rulings]))


def state(resolution: Resolution) -> object:
    return (
        sorted(resolution.identifiers.rows(), key=str),
        sorted(resolution.tenures.rows(), key=str),
        sorted(resolution.links.rows(), key=str),
    )
