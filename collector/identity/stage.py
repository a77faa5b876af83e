"""Identity, batch by batch: what to store, and whose cases to derive anew."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol, TypeVar

import polars as pl

from collector.identity import results, versions
from collector.identity.graph import Graph
from collector.identity.linkage import Changes
from collector.identity.links import fold
from collector.identity.neighbourhood import gather
from collector.identity.resolution import last_words
from collector.identity.speech import Turn, turn
from collector.identity.ties import Place
from collector.identity.withdrawal import withdrawn, witnesses
from collector.mapping import Mapping
from threadline.store.telemetry import Telemetry
from threadline.store.telemetry.mentions import named_by_others

T = TypeVar("T")


class Decoded(Protocol):
    """What is identified: see `collector.decode.Decoded`."""

    @property
    def facts(self) -> pl.DataFrame: ...

    @property
    def mentions(self) -> pl.DataFrame: ...

    @property
    def dead_letters(self) -> pl.DataFrame: ...


@dataclass(frozen=True, kw_only=True)
class Identified:
    """`frames`: the rows to insert by table, in this order. `touched_roots`: whose cases may have
    changed. `counts`: what the batch brought, per log entry and source, as in `intake_counts`.
    """

    frames: dict[str, pl.DataFrame]
    touched_roots: set[str]
    counts: pl.DataFrame


def identify(
    decoded: Decoded, telemetry: Telemetry, graph: Graph, mapping: Mapping, generation: int
) -> Identified:
    """Settle the versions, mentions, links and identifiers that a batch touches.

    A batch that is interrupted between any two of the frames and then repeated gives the same in
    the end. Facts come last, because they are what the next look-up starts from.
    """
    whole = _with_identifiers(decoded)
    batch = whole.drop("attributes")
    stored = gather(batch, telemetry, graph)
    settled = versions.settle(stored, batch)
    said = turn(stored, settled.winners, batch, _never(mapping))
    changes = _link(said, telemetry, graph, mapping)
    placed, gone = _placed(said, changes, graph, telemetry), _gone(said, telemetry)
    anyway = _roots(said.by_batch, graph)
    touched = anyway | _roots(said.changed, graph) | _roots(said.vanished, graph)
    touched |= changes.roots | graph.take_unsettled()
    counts = versions.counts(settled, batch, decoded.dead_letters)
    frames = {
        "touched_roots": results.touched_roots(touched - anyway),
        "identifiers": results.identifiers(placed, gone),
        "tenures": results.tenures(_named(changes.tenures, telemetry, graph)),
        "links": results.links(changes),
        "mentions": results.mentions(said, _never(mapping)),
        "unattributed": results.unattributed(said),
        "intake_counts": counts,
    }
    stamped = {table: results.stamped(frame, generation) for table, frame in frames.items()}
    trace_links = results.trace_links(batch)
    graph.linkage.places.mark(placed, stored=True)
    graph.linkage.places.mark(gone, stored=False)
    _remember(batch, trace_links, graph)
    return Identified(
        frames={**stamped, "trace_links": trace_links, "facts": whole[settled.new]},
        touched_roots=touched,
        counts=counts,
    )


@dataclass(frozen=True, kw_only=True)
class Ruled:
    """What people's rulings changed: `frames` and `touched_roots` as in `Identified`."""

    frames: dict[str, pl.DataFrame]
    touched_roots: set[str]


def rule(rulings: pl.DataFrame, telemetry: Telemetry, graph: Graph, generation: int) -> Ruled:
    """Go by `rulings` (columns `ties.RULINGS`) over what was ruled before."""
    changes = graph.linkage.rule(last_words(rulings))
    places = _named(changes.places, telemetry, graph)
    graph.linkage.places.mark(places, stored=True)
    frames = {
        "touched_roots": results.touched_roots(changes.roots),
        "identifiers": results.identifiers(places, ()),
        "tenures": results.tenures(_named(changes.tenures, telemetry, graph)),
        "links": results.links(changes),
    }
    stamped = {table: results.stamped(frame, generation) for table, frame in frames.items()}
    return Ruled(frames=stamped, touched_roots=changes.roots)


def _named(places: dict[str, T], telemetry: Telemetry, graph: Graph) -> dict[str, T]:
    """`places` without those of identifiers that rulings speak of and no fact has ever named."""
    doubtful = sorted(graph.linkage.unwitnessed(places))
    unknown = set(doubtful) - named_by_others(telemetry, doubtful, []) if doubtful else set()
    return {name: place for name, place in places.items() if name not in unknown}


def _with_identifiers(decoded: Decoded) -> pl.DataFrame:
    """The facts of a batch with the identifiers they name themselves, sorted."""
    whole = pl.concat_str("object_type", "namespace", "value", separator=":")
    lists = (
        decoded.mentions.select("fact_id", "content_hash", identifiers=whole)
        .group_by("fact_id", "content_hash")
        .agg(pl.col("identifiers").unique().sort())
    )
    keys = ["fact_id", "content_hash"]
    facts = decoded.facts.join(lists, on=keys, how="left", maintain_order="left")
    return facts.with_columns(pl.col("identifiers").fill_null([]))


def _never(mapping: Mapping) -> frozenset[str]:
    return frozenset(name for name, kind in mapping.objects.items() if not kind.links)


def _link(said: Turn, telemetry: Telemetry, graph: Graph, mapping: Mapping) -> Changes:
    concerned = graph.retractions.concerned(said)
    fallen = withdrawn(said, graph.linkage, mapping)
    telling = pl.concat([said.after, witnesses([*fallen, *concerned], said, telemetry)])
    found = fold(telling, mapping)
    found = found.filter(graph.retractions.unconcerned(found, concerned))
    return graph.linkage.update(found, [*fallen, *graph.linkage.variants(concerned)])


def _placed(said: Turn, changes: Changes, graph: Graph, telemetry: Telemetry) -> dict[str, Place]:
    """Where the identifiers are that the batch moves, or is the first to name."""
    own = said.by_batch.filter(pl.col("how") == "own", pl.col("of") > 0)["identifier"]
    places = graph.linkage.places
    here = places.of(places.unstored(own))
    return _named(changes.places, telemetry, graph) | here


def _gone(said: Turn, telemetry: Telemetry) -> set[str]:
    """Identifiers that nobody names any more."""
    vanished = said.vanished.filter(pl.col("how") == "own")
    unsaid = set(vanished["identifier"]) - set(said.after["identifiers"].explode())
    if not unsaid:
        return unsaid
    silenced = said.before["fact_id"].gather(vanished["row"])
    return unsaid - named_by_others(telemetry, sorted(unsaid), sorted(set(silenced)))


def _roots(said: pl.DataFrame, graph: Graph) -> set[str]:
    return graph.linkage.places.roots(said.filter(pl.col("of") > 0)["identifier"])


def _remember(batch: pl.DataFrame, trace_links: pl.DataFrame, graph: Graph) -> None:
    traced = pl.col("trace_id") != ""
    graph.seen.add(batch.select(pl.when(traced).then("trace_id").otherwise("fact_id")).to_series())
    graph.awaited.add(trace_links["target_trace_id"])
