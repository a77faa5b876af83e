"""Contracts as an event log: their objects, and their facts as events of these."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from typing import Any

import polars as pl

from collector.exports.logs import Event, Log, Related, Shown, Thing, instant
from threadline.store.telemetry import Telemetry, event_logs, threads
from threadline.store.telemetry.tenures import ALWAYS, FOREVER

OWN = "threadline."  # begins the attributes that are Threadline's, not the sender's
_TOLD = ("kind", "system", "source", "outcome", "message", "trace_id")
_ENDS = ("child", "parent")

Row = Mapping[str, Any]
Hides = Callable[[str], bool]


class Gathering:
    """Puts contracts into `log`, so many in memory at a time as are added at once.

    An object is called by its `object_id`, and its names in each system are attributes called after
    the namespace. What an event only mentions (customers, suppliers) is an object under its own
    name. A qualifier of an event says how it speaks of the object: `own`, or by inheritance
    (`ancestor`, `trace`, `link`, `shared`). A fact without a time is counted in `log.untimed` and
    is no event. `shown` and `hides` redact attributes and object types.

    What speaks of several contracts is one event, written by `close`; with `by_contract` it is one
    in each, as in a log of traces.
    """

    def __init__(
        self, telemetry: Telemetry, log: Log, shown: Shown, hides: Hides, *, by_contract: bool
    ) -> None:
        self._telemetry, self._log, self._shown, self._hides = telemetry, log, shown, hides
        self._by_contract = by_contract
        self._shared: dict[str, Event] = {}
        self._untimed: set[str] = set()
        self._moved: set[str] = set()
        self._beside: set[str] = set()

    def add(self, roots: Sequence[str]) -> None:
        """Some hundred contracts; nothing where nothing is derived of them."""
        rows = threads.of_each(self._telemetry, roots)
        if rows.is_empty():
            return
        members = threads.listed(rows, "identifiers")
        facts = threads.facts_of_each(self._telemetry, members)
        keys = {(fact["trace_id"], fact["fact_id"]) for each in facts.values() for fact in each}
        said = event_logs.said(self._telemetry, keys)
        found = rows.partition_by("root_id", as_dict=True)
        for root in roots:
            if (root,) in found:
                thread = found[root,]
                own = threads.listed(thread, "identifiers")
                seen = own.filter(~pl.col("object_type").map_elements(self._hides, pl.Boolean))
                names = {_name(row): str(row["object_id"]) for row in seen.iter_rows(named=True)}
                self._objects(seen, threads.listed(thread, "links"), names)
                self._events(root, facts.get(root, []), names, said)

    def close(self) -> None:
        """Write what speaks of several contracts; nothing can be added afterwards."""
        for event in self._shared.values():
            self._log.add_event(event)
        self._log.untimed = len(self._untimed)

    def _objects(
        self, members: pl.DataFrame, links: pl.DataFrame, names: Mapping[str, str]
    ) -> None:
        related: dict[str, dict[Related, None]] = {}
        for row in members.iter_rows(named=True):
            if row["owner_id"] in names.values():
                related.setdefault(row["object_id"], {})[_to(row["owner_id"], "belongs_to")] = None
        for link in links.iter_rows(named=True):
            child, parent = (names.get(_name(link, f"{end}_", "type")) for end in _ENDS)
            tied = link["kind"] not in ("same_as", "belongs_to") and link["state"] == "held"
            if tied and child and parent:
                related.setdefault(child, {})[_to(parent, link["kind"])] = None
        for (thing,), rows in members.group_by("object_id", maintain_order=True):
            if self._first(str(thing), rows):
                self._log.add_object(
                    Thing(
                        id=str(thing),
                        type=rows["object_type"][0],
                        attributes=[
                            (row["namespace"], instant(row["valid_from"]), row["value"])
                            for row in rows.iter_rows(named=True)
                        ],
                        objects=[*related.get(str(thing), ())],
                    )
                )

    def _first(self, thing: str, rows: pl.DataFrame) -> bool:
        """Whether an object, which may have been elsewhere before, has not been written yet."""
        always = (pl.col("valid_from") == ALWAYS) & (pl.col("valid_to") >= FOREVER)
        if rows.select(always.all()).item():
            return True
        known = thing in self._moved
        self._moved.add(thing)
        return not known

    def _events(
        self,
        root: str,
        facts: list[dict[str, Any]],
        names: Mapping[str, str],
        said: Mapping[str, tuple[str, list[str]]],
    ) -> None:
        for fact in facts:
            if fact["at"] is None:
                self._untimed.add(fact["fact_id"])
                continue
            attributes, own = said.get(fact["fact_id"], ("", []))
            event = self._event(root, fact, attributes, names)
            elsewhere = set(own) - names.keys() - set(fact["beside"])
            if self._by_contract or not (elsewhere or fact["how"] == "shared"):
                self._log.add_event(event)
            elif earlier := self._shared.get(event.id):
                objects = dict.fromkeys([*earlier.objects, *event.objects])
                self._shared[event.id] = earlier._replace(objects=[*objects])
            else:
                self._shared[event.id] = event

    def _event(self, root: str, fact: Row, attributes: str, names: Mapping[str, str]) -> Event:
        told = {f"{OWN}{name}": fact[name] for name in _TOLD if fact[name]}
        if fact["ended_at"] is not None:
            told[f"{OWN}ended_at"] = instant(fact["ended_at"])
        if fact["annotations"]:
            told[f"{OWN}annotations"] = ", ".join(fact["annotations"])
        message = self._shown({"message": fact["message"]})["message"]
        if message:
            told[f"{OWN}message"] = message
        here = dict.fromkeys(names[name] for name in fact["objects"] if name in names)
        objects = [_to(thing, fact["how"]) for thing in [*here] or [root]]
        return Event(
            id=fact["fact_id"],
            type=fact["name"] or fact["kind"],
            time=instant(fact["at"]),
            attributes={**self._shown(json.loads(attributes or "{}")), **told},
            objects=[*objects, *self._mentioned(fact["beside"])],
            case=root,
        )

    def _mentioned(self, beside: Collection[str]) -> Iterator[Related]:
        for name in beside:
            kind, namespace, value = name.split(":", 2)
            if self._hides(kind):
                continue
            if name not in self._beside:
                self._beside.add(name)
                self._log.add_object(Thing(name, kind, [(namespace, instant(ALWAYS), value)], []))
            yield Related(name, "own", kind)


def _to(object_id: str, qualifier: str) -> Related:
    return Related(object_id, qualifier, object_id.partition(":")[0])


def _name(row: Row, end: str = "", kind: str = "object_type") -> str:
    return f"{row[end + kind]}:{row[end + 'namespace']}:{row[end + 'value']}"
