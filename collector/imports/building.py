"""An object-centric log put together from what a file lists, whatever its format."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from collector.imports.ocel import CHANGED, ID, TIME, Ocel, Row
from threadline.store.foreign import UnreadableFile

Types = Mapping[str, Mapping[str, str]]  # by type, the declared type of each attribute


@dataclass(kw_only=True)
class Building:
    """A log under way; each `place` is where in the file something is, for whoever has to mend it.

    Raises `UnreadableFile` for an id that comes twice.
    """

    file: Path
    event_types: Types
    object_types: Types
    events: dict[str, str] = field(default_factory=dict)
    objects: dict[str, str] = field(default_factory=dict)
    rows: dict[str, Row] = field(default_factory=dict)
    states: dict[str, list[Row]] = field(default_factory=dict)
    participants: dict[str, Sequence[tuple[str, str]]] = field(default_factory=dict)
    relations: list[tuple[str, str, str]] = field(default_factory=list)

    def event(
        self,
        name: str,
        kind: str,
        time: str,
        attributes: Mapping[str, Any],
        objects: Sequence[tuple[str, str]],
        place: str,
    ) -> None:
        """An event, its time as written, and its (object id, qualifier)."""
        if name in self.events:
            raise UnreadableFile(self.file, f"{place}: the event id {name!r} comes twice")
        declared = self.event_types.get(kind, {})
        told = {key: typed(value, declared.get(key)) for key, value in attributes.items()}
        self.events[name], self.rows[name] = kind, {ID: name, TIME: time, **told}
        self.participants[name] = objects

    def thing(
        self,
        name: str,
        kind: str,
        attributes: Sequence[tuple[str, str | None, Any]],
        related: Sequence[tuple[str, str]],
        place: str,
    ) -> None:
        """An object: (attribute, time as written, value) in the file's order, and its relations.

        Values that follow each other with one time are one state.
        """
        if name in self.objects:
            raise UnreadableFile(self.file, f"{place}: the object id {name!r} comes twice")
        self.objects[name] = kind
        declared = self.object_types.get(kind, {})
        states: list[dict[str, Any]] = []
        for attribute, time, value in attributes:
            if not states or states[-1][TIME] != time or attribute in states[-1]:
                states.append({ID: name, TIME: time, CHANGED: None})
            states[-1][attribute] = typed(value, declared.get(attribute))
        self.states[name] = [*states]
        self.relations += [(name, target, qualifier) for target, qualifier in related]

    def built(self) -> Ocel:
        """The log; types that occur are there even where the file declares none."""
        return Ocel(
            event_types=tuple(dict.fromkeys([*self.event_types, *self.events.values()])),
            object_types=tuple(dict.fromkeys([*self.object_types, *self.objects.values()])),
            events=self.events,
            objects=self.objects,
            rows=self.rows,
            states=self.states,
            participants=self.participants,
            relations=self.relations,
            event_attributes=self.event_types,
            object_attributes=self.object_types,
        )


def typed(value: Any, declared: str | None) -> Any:
    """A value written as text in its declared type; as written where it is none of that type."""
    if not isinstance(value, str):
        return value
    try:
        if declared == "integer":
            return int(value)
        if declared == "float":
            return float(value)
    except ValueError:
        return value
    if declared == "boolean":
        return {"true": True, "1": True, "false": False, "0": False}.get(value.lower(), value)
    return value
