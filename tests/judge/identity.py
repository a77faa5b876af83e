"""Identity held against observable truth: what the oracle expects, and what a store holds."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import polars as pl
from judge.observed import Fact, Rules
from judge.tied import Ties

from threadline.store.telemetry import Telemetry

Table = dict[Any, Any]

_NAMED = pl.concat_str("object_type", "namespace", "value", separator=":")
_READ = [
    *("fact_id", "content_hash", "kind", "system", "name", "at", "plausible", "outcome"),
    *("payload", "received_at", "trace_id", "span_id", "parent_span_id", "span_links"),
]

# Everything of values from `first` to before `beyond`, and of sources likewise: parts of a world
# that share nothing can be compared one by one.
_WITHIN = "{column} >= {{first:String}} AND {column} < {{beyond:String}}"
_IDENTIFIERS = f"""
SELECT concat(object_type, ':', namespace, ':', value) AS name, object_id, owner_id, root_id
FROM identifiers FINAL WHERE {_WITHIN.format(column="value")}
"""
_LINKS = f"""
SELECT kind, concat(child_type, ':', child_namespace, ':', child_value) AS child,
    concat(parent_type, ':', parent_namespace, ':', parent_value) AS parent, valid_from, valid_to,
    state, fact_id
FROM links FINAL WHERE {_WITHIN.format(column="child_value")}
"""
_TENURES = f"""
SELECT concat(object_type, ':', namespace, ':', value) AS name, valid_from, valid_to, object_id,
    owner_id, root_id
FROM tenures FINAL WHERE {_WITHIN.format(column="value")}
"""
_MENTIONS = f"""
SELECT fact_id, concat(object_type, ':', namespace, ':', value) AS name, how
FROM mentions FINAL WHERE of > 0 AND {_WITHIN.format(column="value")}
"""
_UNATTRIBUTED = f"""
SELECT fact_id, how FROM unattributed FINAL WHERE {_WITHIN.format(column="source")}
"""
_LAST = "\U0010ffff"


class Decoded(Fact):
    """A fact as decoding gave it; its content is the hash of its content."""

    @property
    def rank(self) -> int:
        """Among versions of one fact the greatest speaks."""
        return int(self.content)


def decoded(facts: pl.DataFrame, mentions: pl.DataFrame) -> Iterator[Decoded]:
    """Every row of `facts` with what the rows of `mentions` say it names itself."""
    keys = ["fact_id", "content_hash"]
    named = mentions.select(*keys, named=_NAMED).group_by(keys).agg("named")
    rows = facts.select(_READ).join(named, on=keys, how="left", maintain_order="left")
    for row in rows.iter_rows():
        fact, content, kind, system, name, at, plausible, outcome, *rest = row
        payload, received, trace, span, parent, links, names = rest
        yield Decoded(
            fact_id=fact,
            kind=kind,
            system=system,
            name=name,
            at=at,
            occurred_at=at,
            plausible=plausible,
            outcome=outcome,
            message="",
            attributes=json.loads(payload),
            received_at=received,
            heard_at=received,
            received=[received],
            trace_id=trace,
            span_id=span,
            below=parent,
            links=tuple(_end(link) for link in links),
            identifiers=frozenset(names or ()),
            content=str(content),
        )


def expected(facts: Mapping[str, Fact], ties: Ties) -> dict[str, Table]:
    """By kind of row what has to be there."""
    return {
        "identifier": dict(ties.places),
        "tenure": {
            (name, *validity): place
            for name, stretches in ties.tenures.items()
            for validity, place in stretches
            if len(stretches) > 1
        },
        "link": {pair: (s, ties.evidence[pair].fact_id) for pair, s in ties.links.items()},
        "attribution": {(key, name): f.how for key, f in facts.items() for name in f.speaks},
        "unattributed": {key: fact.how for key, fact in facts.items() if not fact.speaks},
    }


def stored(
    store: Telemetry, rules: Rules, first: str = "", beyond: str = _LAST
) -> dict[str, Table]:
    """By kind of row what is there, of values and sources from `first` to before `beyond`."""
    within = {"first": first, "beyond": beyond}
    places = store.query(_IDENTIFIERS, within).iter_rows()
    links = store.query(_LINKS, within).iter_rows()
    tenures = store.query(_TENURES, within).iter_rows()
    mentions = store.query(_MENTIONS, within).iter_rows()
    return {
        "identifier": {row[0]: row[1:] for row in places if rules.links(row[0])},
        "tenure": {row[:3]: row[3:] for row in tenures},
        "link": {row[:5]: row[5:] for row in links},
        "attribution": {row[:2]: row[2] for row in mentions},
        "unattributed": dict(store.query(_UNATTRIBUTED, within).iter_rows()),
    }


def differing(told: dict[str, Table], found: dict[str, Table]) -> Iterable[str]:
    """One line for every row that is not as expected."""
    for kind, rows in told.items():
        if rows != found[kind]:
            keys = rows.keys() | found[kind].keys()
            for key in (key for key in keys if rows.get(key) != found[kind].get(key)):
                yield f"{kind} {key}: {found[kind].get(key)} instead of {rows.get(key)}"


def _end(link: str) -> tuple[str, str]:
    trace, _, span = link.partition(":")
    return trace, span
