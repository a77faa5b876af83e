"""Reading an OCEL 2.0 log in its XML form, and an XES log (IEEE 1849)."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from collector.imports.building import Building, typed
from collector.imports.markup import Node, parsed
from collector.imports.ocel import Ocel
from threadline.store.foreign import UnreadableFile

CASE = "case"  # what a trace of XES is called as an object type
_NAME, _TIME = "concept:name", "time:timestamp"
_XES = {"string": "string", "id": "string", "date": "time", "int": "integer"}
_XES |= {"float": "float", "boolean": "boolean"}


def read(file: Path, content: bytes) -> Ocel:
    """The log; raises `UnreadableFile` naming the line."""
    root = parsed(file, content)
    if root.tag == "log" and any(root.all("events")):
        return _ocel(file, root)
    if root.tag == "log":
        return _xes(file, root)
    raise UnreadableFile(file, f"line {root.line}: <{root.tag}> begins neither OCEL 2.0 nor XES")


def _ocel(file: Path, root: Node) -> Ocel:
    log = Building(
        file=file,
        event_types=_types(file, root.inside("event-types")),
        object_types=_types(file, root.inside("object-types")),
    )
    for one in root.inside("objects"):
        attributes = [
            (_get(file, given, "name"), given.attributes.get("time"), given.text)
            for given in one.inside("attributes")
        ]
        name, kind = _get(file, one, "id"), _get(file, one, "type")
        log.thing(name, kind, attributes, _related(file, one), f"line {one.line}")
    for one in root.inside("events"):
        told = {_get(file, given, "name"): given.text for given in one.inside("attributes")}
        name, kind, time = (_get(file, one, key) for key in ("id", "type", "time"))
        log.event(name, kind, time, told, _related(file, one), f"line {one.line}")
    return log.built()


def _types(file: Path, nodes: list[Node]) -> dict[str, dict[str, str]]:
    return {
        _get(file, node, "name"): {
            _get(file, given, "name"): given.attributes.get("type", "string")
            for given in node.inside("attributes")
        }
        for node in nodes
    }


def _related(file: Path, node: Node) -> list[tuple[str, str]]:
    return [
        (_get(file, one, "object-id"), one.attributes.get("qualifier", ""))
        for one in node.inside("objects")
    ]


def _get(file: Path, node: Node, name: str) -> str:
    if name not in node.attributes:
        raise UnreadableFile(file, f"line {node.line}: <{node.tag}> needs the attribute {name!r}")
    return node.attributes[name]


def _xes(file: Path, root: Node) -> Ocel:
    """Each trace as an object of the type `case`; its events are named `<case>#<place>`."""
    log = Building(file=file, event_types={}, object_types={CASE: {}})
    for number, trace in enumerate(root.all("trace")):
        told = _values(file, trace)
        name = str(told.pop(_NAME, number))
        log.thing(name, CASE, [(*one,) for one in _untimed(told)], (), f"line {trace.line}")
        for place, event in enumerate(trace.all("event")):
            values = _values(file, event)
            for key in (_NAME, _TIME):
                if key not in values:
                    raise UnreadableFile(file, f"line {event.line}: an event needs {key!r}")
            kind, time = str(values.pop(_NAME)), str(values.pop(_TIME))
            where = f"line {event.line}"
            log.event(f"{name}#{place}", kind, time, values, [(name, CASE)], where)
    return log.built()


def _untimed(told: dict[str, Any]) -> list[tuple[str, None, Any]]:
    return [(key, None, value) for key, value in told.items()]


def _values(file: Path, node: Node) -> dict[str, Any]:
    found = {}
    for one in node.children:
        if one.tag in _XES:
            found[_get(file, one, "key")] = typed(_get(file, one, "value"), _XES[one.tag])
        elif one.tag not in ("event", "trace"):
            reason = f"line {one.line}: <{one.tag}> is no plain attribute: take it out"
            raise UnreadableFile(file, reason)
        if one.tag in _XES and one.children:
            inner = one.children[0]
            reason = f"line {inner.line}: an attribute inside another is not read: take it out"
            raise UnreadableFile(file, reason)
    return found
