"""An imported event log given back from its facts."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterator, Mapping
from typing import Any

from collector.exports.logs import Event, Log, Related, Shown, Thing, instant
from threadline.store.telemetry import Telemetry, event_logs
from threadline.store.telemetry.tenures import ALWAYS

_QUALIFIERS = ".qualifiers"

Data = Mapping[str, Any]


def restore(telemetry: Telemetry, source: str, log: Log, shown: Shown) -> None:
    """Write the log that was imported as `source` into `log`, in the order of its file.

    Ids, types, attributes with their declared types, states, relations and qualifiers are those of
    the file; times are in UTC where the file named no zone. What the file declared and never used
    is not known. Objects and relations are in memory.
    """
    related: dict[str, list[tuple[str, str]]] = defaultdict(list)
    for _, _, text in event_logs.imported(telemetry, source, "ocel.relation"):
        told = shown(json.loads(text))
        related[told["ocel.source"]].append((told["ocel.target"], told["ocel.qualifier"]))
    types = {}
    for _, _, text in event_logs.imported(telemetry, source, "ocel.object"):
        told = json.loads(text)
        types[told["ocel.key"]] = told["ocel.type"]
    for _, _, text in event_logs.imported(telemetry, source, "ocel.object"):
        told = shown(json.loads(text))
        name, kind = told["ocel.key"], told["ocel.type"]
        ends = [_to(end, qualifier, types) for end, qualifier in related[name]]
        log.add_object(Thing(name, kind, [*_states(told)], ends), _declared(told))
    for kind, at, text in event_logs.imported(telemetry, source):
        told = shown(json.loads(text))
        if at is None:
            log.untimed += 1
            continue
        names = dict(zip(told.get("ocel.attributes", ()), told.get("ocel.names", ()), strict=True))
        values = {there: told[here] for here, there in names.items() if here in told}
        ends = [_to(end, qualifier, types) for end, qualifier in _named(told, names)]
        log.add_event(Event(told["ocel.key"], kind, instant(at), values, ends), _declared(told))


def _to(name: str, qualifier: str, types: Mapping[str, str]) -> Related:
    return Related(name, qualifier, types.get(name, ""))


def _declared(told: Data) -> dict[str, str]:
    return dict(zip(told.get("ocel.names", ()), told.get("ocel.types", ()), strict=True))


def _states(told: Data) -> Iterator[tuple[str, str, Any]]:
    names = dict(zip(told.get("ocel.attributes", ()), told.get("ocel.names", ()), strict=True))
    for state in told.get("ocel.history", ()):
        time = str(state["time"] or instant(ALWAYS)).replace(" ", "T", 1)
        for here, value in state.items():
            if here in names:
                yield names[here], time, value


def _named(told: Data, attributes: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """The objects an event names; those that others carry it to have no qualifier."""
    for key, qualifiers in told.items():
        if key.endswith(_QUALIFIERS) and key not in attributes:
            ids = told[f"{key.removesuffix(_QUALIFIERS)}.id"]
            yield from zip(ids, qualifiers, strict=False)
