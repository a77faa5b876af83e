"""What the mapping reads: systems by service, and attributes under the names they are read by."""

from __future__ import annotations

from collections.abc import Iterable

import polars as pl

from collector.decode import canonical
from collector.decode.statements import Names
from collector.mapping import BLANKS, Mapping, Source

OUTCOME, EVENT_NAME = "outcome", "event.name"
ERROR_MESSAGE, EXCEPTION_MESSAGE = "error.message", "exception.message"
_KEYS = {"key": pl.String, "identity": pl.UInt32, "case": pl.String, "zeros": pl.Boolean}
_IDENTITIES = {"identity": pl.UInt32, "object_type": pl.String, "namespace": pl.String}
_SPOKEN = frozenset([OUTCOME, EVENT_NAME, ERROR_MESSAGE, EXCEPTION_MESSAGE])


def names(mapping: Mapping, wanted: frozenset[str]) -> Names:
    """The attribute names to look for, under every name a source gives them."""
    inherited = wanted | mapping.attributes.keys()
    read = inherited | _SPOKEN
    return Names(
        read=read | _aliases(mapping, read), inherited=inherited | _aliases(mapping, inherited)
    )


def _aliases(mapping: Mapping, targets: Iterable[str]) -> frozenset[str]:
    return frozenset(
        alias
        for source in mapping.sources
        for alias, target in source.rename.items()
        if target in targets
    )


def with_systems(facts: pl.DataFrame, mapping: Mapping) -> pl.DataFrame:
    """`facts` with `system` and `rule`, the name of the source mapping that applies or ''."""
    told = facts.select("kind", "service").unique()
    rows = []
    for kind, service in told.iter_rows():
        source = _source(mapping, kind, service)
        system, rule = (source.system, source.name) if source else (service, "")
        rows.append((kind, service, system or "unknown_service", rule))
    schema = ["kind", "service", "system", "rule"]
    systems = pl.DataFrame(rows, schema=dict.fromkeys(schema, pl.String), orient="row")
    return facts.join(systems, on=["kind", "service"], how="left", maintain_order="left")


def forbidden(records: pl.DataFrame, mapping: Mapping) -> pl.DataFrame:
    """`records` with a `fault` where their sender may not speak for their system.

    A fault that is there already stays.
    """
    rows = []
    for kind, service, sender in records.select("kind", "service", "source").unique().iter_rows():
        source = _source(mapping, kind, service)
        if source and source.senders and sender not in source.senders:
            named = f"source {sender!r} may not speak for {source.system} (service {service!r})"
            fault = f"{named}: it is none of the senders of {source.name}.yaml"
            rows.append((kind, service, sender, fault))
    if not rows:
        return records
    schema = dict.fromkeys(["kind", "service", "source", "forbidden"], pl.String)
    faults = pl.DataFrame(rows, schema=schema, orient="row")
    joined = records.join(
        faults, on=["kind", "service", "source"], how="left", maintain_order="left"
    )
    told = pl.when(pl.col("fault") == "").then(pl.col("forbidden").fill_null(""))
    return joined.with_columns(fault=told.otherwise("fault")).drop("forbidden")


def _source(mapping: Mapping, kind: str, service: str) -> Source | None:
    return mapping.event_source(service) if kind == "event" else mapping.service(service)


def picks(facts: pl.DataFrame, mapping: Mapping) -> pl.DataFrame:
    """One row per fact and attribute read: `row`, `key` (the name it is read by), `json`, `texts`.

    An attribute given under its own name comes before one that a source renames to it.
    """
    given = facts.select("row", "rule", "picks").explode("picks").drop_nulls("picks")
    found = given.select("row", "rule", pl.col("picks").struct.unnest())
    renames = [(s.name, old, new) for s in mapping.sources for old, new in s.rename.items()]
    if not renames:
        return found.drop("rule")
    renamed = pl.DataFrame(
        renames, schema=dict.fromkeys(["rule", "key", "read_as"], pl.String), orient="row"
    )
    joined = found.join(renamed, on=["rule", "key"], how="left")
    return (
        joined.with_columns(given=pl.col("key"), key=pl.coalesce("read_as", "key"))
        .sort("row", "key", pl.col("read_as").is_not_null(), "given")
        .unique(["row", "key"], keep="first", maintain_order=True)
        .select("row", "key", "json", "texts")
    )


def spoken(picks: pl.DataFrame) -> pl.DataFrame:
    """What facts say of themselves: per `row` that does, a column for each name, or null."""
    text = pl.col("texts").list.first().replace("", None)
    said = picks.filter(pl.col("key").is_in(sorted(_SPOKEN))).with_columns(text=text)
    return said.group_by("row").agg(
        pl.col("text").filter(pl.col("key") == key).first().alias(key) for key in sorted(_SPOKEN)
    )


def payloads(picks: pl.DataFrame, wanted: frozenset[str]) -> pl.DataFrame:
    """One canonical JSON object of the wanted attributes per `row` that has any."""
    written = [(key, canonical.string(key) + ":") for key in wanted]
    keys = pl.DataFrame(written, schema={"key": pl.String, "opening": pl.String}, orient="row")
    pairs = picks.join(keys, on="key").select("row", pair=pl.col("opening") + pl.col("json"))
    grouped = pairs.sort("row", "pair").group_by("row", maintain_order=True).agg("pair")
    joined = pl.col("pair").list.join(",")
    return grouped.select("row", payload=pl.lit("{") + joined + pl.lit("}"))


def identifiers(picks: pl.DataFrame, mapping: Mapping) -> pl.DataFrame:
    """The distinct identifiers of each `row`: `object_type`, `namespace`, `value`, normalised."""
    keys, names = _identities(mapping)
    return (
        picks.join(keys, on="key")
        .explode("texts")
        .with_columns(value=_normalised(pl.col("texts").str.strip_chars(BLANKS)))
        .filter(pl.col("value") != "")
        .unique(["row", "identity", "value"])
        .join(names, on="identity")
        .select("row", "object_type", "namespace", "value")
    )


def _identities(mapping: Mapping) -> tuple[pl.DataFrame, pl.DataFrame]:
    """What each attribute names, as a number: cheap to compare; and what the numbers mean."""
    pairs = sorted({(a.object_type, a.namespace) for a in mapping.attributes.values()})
    numbers = {pair: number for number, pair in enumerate(pairs)}
    rules = [
        (key, numbers[a.object_type, a.namespace], n.case, n.strip_leading_zeros)
        for key, a in mapping.attributes.items()
        for n in [mapping.normalisation(a.namespace)]
    ]
    keys = pl.DataFrame(rules, schema=_KEYS, orient="row")
    names = [(number, *pair) for pair, number in numbers.items()]
    return keys, pl.DataFrame(names, schema=_IDENTITIES, orient="row")


def _normalised(text: pl.Expr) -> pl.Expr:
    cased = (
        pl.when(pl.col("case") == "upper")
        .then(text.str.to_uppercase())
        .when(pl.col("case") == "lower")
        .then(text.str.to_lowercase())
        .otherwise(text)
    )
    numeric = pl.col("zeros") & cased.str.contains("^[0-9]+$")
    return pl.when(numeric).then(cased.str.replace("^0+([0-9])", "$1")).otherwise(cased)
