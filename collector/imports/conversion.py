"""Turning an object-centric log into CloudEvents: its objects, their relations, its events."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from collector.imports import ties
from collector.imports.mapping import ImportMapping
from collector.imports.ocel import CHANGED, ID, TIME, Ocel, Row

OBJECT, RELATION = "ocel.object", "ocel.relation"

CloudEvent = dict[str, Any]

_TYPES: Mapping[type, str] = {int: "integer", float: "float", bool: "boolean"}


class Conversion:
    """The CloudEvents of one log under one mapping: one per object, relation and event of it.

    An event's `data` has its attributes, `<type>.id` with the ids of each type it names, in step
    with `<type>.qualifiers`, and the ids its objects carry it to (see `ImportedType.carriers`),
    which have no qualifier. Times are UTC; `ocel.time` is the time as written. `ocel.log` is the
    source of the import (see also `_origin`).

    The log gives neither objects nor relations a time of their own. They are dated by the first
    event in which the object, or either end, takes part: from then on the log shows them to hold.
    """

    def __init__(self, log: Ocel, mapping: ImportMapping) -> None:
        mapping.require(log.object_types)
        self._log, self._mapping = log, mapping
        self._times = {name: self._instant(log.rows.get(name, {})) for name in log.events}
        self._known_from = ties.first_seen(log, self._times)
        self._carried = ties.carried(log, mapping)

    def undated(self) -> int:
        """How many events have no time that can be read."""
        return sum(at is None for at in self._times.values())

    def objects(self) -> Iterator[CloudEvent]:
        """One event for every object: its first attributes, and all its states as they came."""
        for name, kind in self._log.objects.items():
            given = self._mapping.objects[kind]
            states = self._log.states.get(name, ())
            data: dict[str, Any] = {f"{given.name}.id": name, "ocel.type": kind}
            declared = self._log.object_attributes.get(kind, {})
            data |= self._origin(name, states, given.attributes, declared)
            for state in states:
                for attribute, value in _renamed(state, given.attributes).items():
                    data.setdefault(attribute, value)
            if states:
                data["ocel.history"] = [_plain(state, given.attributes) for state in states]
            at = self._known_from.get(name)
            yield self._envelope(f"object:{name}", OBJECT, at, data)

    def relations(self) -> Iterator[CloudEvent]:
        """One event for every relation; both ids are identifiers where the mapping says it ties."""
        for source, target, qualifier in self._log.relations:
            data = {
                **self._ends(source, target, qualifier),
                "ocel.log": self._mapping.source,
                "ocel.source": source,
                "ocel.target": target,
                "ocel.qualifier": qualifier,
            }
            known = [at for end in (source, target) if (at := self._known_from.get(end))]
            identity = f"relation:{source}:{qualifier}:{target}"
            yield self._envelope(identity, RELATION, min(known, default=None), data)

    def events(self) -> Iterator[CloudEvent]:
        """One event for every event, named as in the log."""
        for name, kind in self._log.events.items():
            row = self._log.rows.get(name, {})
            names = self._mapping.events.get(kind, {})
            data = {**_renamed(row, names), **self._named(name)}
            declared = self._log.event_attributes.get(kind, {})
            data |= self._origin(name, [row], names, declared)
            if row.get(TIME) is not None:
                data["ocel.time"] = str(row[TIME])
            yield self._envelope(name, kind, self._times[name], data)

    def _origin(
        self, name: str, rows: Sequence[Row], names: Mapping[str, str], declared: Mapping[str, str]
    ) -> dict[str, Any]:
        """What the log called it, and its attributes: in step, their names here and there and the
        types declared, or else those of their values. It takes these to give the log back."""
        attributes = {column: value for row in rows for column, value in _attributes(row).items()}
        told = {"ocel.key": name, "ocel.log": self._mapping.source}
        if not attributes:
            return told
        return told | {
            "ocel.attributes": [names.get(column, column) for column in attributes],
            "ocel.names": [*attributes],
            "ocel.types": [
                declared.get(column) or _TYPES.get(type(value), "string")
                for column, value in attributes.items()
            ],
        }

    def _named(self, event: str) -> dict[str, list[str]]:
        found: dict[str, list[str]] = defaultdict(list)
        carried: dict[str, set[str]] = defaultdict(set)
        for thing, qualifier in self._log.participants.get(event, ()):
            kind = self._kind(thing)
            found[f"{kind}.id"].append(thing)
            found[f"{kind}.qualifiers"].append(qualifier)
            for reached in self._carried.get(thing, ()):
                carried[f"{self._kind(reached)}.id"].add(reached)
        for attribute, reached_ids in carried.items():
            found[attribute] += sorted(reached_ids.difference(found[attribute]))
        return dict(found)

    def _ends(self, source: str, target: str, qualifier: str) -> dict[str, Any]:
        kinds = self._log.objects.get(source, ""), self._log.objects.get(target, "")
        if not all(kinds) or not self._mapping.asserts(kinds[0], qualifier, kinds[1]):
            return {}
        if kinds[0] == kinds[1]:
            return {f"{self._kind(source)}.id": [source, target]}
        return {f"{self._kind(end)}.id": end for end in (source, target)}

    def _kind(self, thing: str) -> str:
        kind = self._log.objects.get(thing)
        return self._mapping.objects[kind].name if kind else "ocel.unknown"

    def _envelope(
        self, identity: str, kind: str, at: datetime | None, data: Mapping[str, Any]
    ) -> CloudEvent:
        event: CloudEvent = {
            "specversion": "1.0",
            "id": identity,
            "source": self._mapping.source,
            "type": kind,
            "datacontenttype": "application/json",
            "data": dict(data),
        }
        return event | ({"time": at.isoformat().replace("+00:00", "Z")} if at else {})

    def _instant(self, row: Row) -> datetime | None:
        try:
            at = datetime.fromisoformat(str(row.get(TIME)))
        except ValueError:
            return None
        return (at if at.tzinfo else at.replace(tzinfo=self._mapping.zone)).astimezone(UTC)


def _attributes(row: Row) -> dict[str, Any]:
    return {
        column: value
        for column, value in row.items()
        if value is not None and column not in (ID, TIME, CHANGED)
    }


def _renamed(row: Row, names: Mapping[str, str]) -> dict[str, Any]:
    return {names.get(column, column): value for column, value in _attributes(row).items()}


def _plain(row: Row, names: Mapping[str, str]) -> dict[str, Any]:
    # Times as written: the first state is often dated 1970, the format's way of giving no time.
    return {"time": row.get(TIME), **_renamed(row, names)}


def in_batches(events: Iterable[CloudEvent], size: int) -> Iterator[list[CloudEvent]]:
    """Lists of at most `size` events."""
    batch: list[CloudEvent] = []
    for event in events:
        batch.append(event)
        if len(batch) == size:
            yield batch
            batch = []
    if batch:
        yield batch
