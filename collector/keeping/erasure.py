"""Taking erased identifiers out of inputs, so that facts and figures stay what they were."""

from __future__ import annotations

import base64
import json
import zlib
from collections import Counter
from collections.abc import Collection, Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from fnmatch import fnmatchcase
from typing import Any

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from collector.decode.columns import by_reference
from collector.decode.originals import ERASED, ORIGINALS, originals, written
from collector.decode.requests import Message, content, messages
from collector.decode.statements import Names
from collector.intake.strict_json import parsed
from collector.keeping.occurrences import Erased
from collector.keeping.reduction import Request, reduced, request, with_body
from threadline.errors import ThreadlineError
from threadline.model.entries import Entry, Logged, Position
from threadline.model.erasures import Erasure

_UNCLEAR = (b"\\u", b'"data_base64"')  # in JSON, text may be spelled otherwise


@dataclass(frozen=True, kw_only=True)
class Cleared:
    """An input without what is erased, and how many values it was taken out of, by their name."""

    entry: Entry
    places: Counter[str]


class Eraser:
    """Replaces the identifiers of `erasures` by pseudonyms, wherever they stand by themselves.

    Where one is the whole value of an attribute that a pattern of `personal` fits, the personal
    attributes beside it, under the same prefix, tell of the same person and are replaced as well.
    Facts keep the ids and content hashes they had: what is derived stays, and what is sent again is
    known for what it is.
    """

    def __init__(self, erasures: Collection[Erasure], personal: Iterable[str]) -> None:
        self._erased = Erased(erasures)
        self._pseudonyms = frozenset(one.pseudonym for one in erasures)
        self._personal = tuple(pattern.lower() for pattern in personal)

    def __bool__(self) -> bool:
        return bool(self._erased)

    def cleared(self, entry: Entry, names: Names, at: datetime) -> Cleared | None:
        """`entry` rid of them, as of `at`; None where none stands in it.

        `names` are the attribute names that decoding looks for. The rest of it is `reduced`.
        """
        try:
            said = content(entry)
        except (ValueError, ThreadlineError, zlib.error, RecursionError):
            return self._cleared_bytes(entry)
        unclear = entry.kind == "cloudevents" and any(mark in said for mark in _UNCLEAR)
        if not unclear and not self._erased.may_stand_in(said):
            return None
        small, places = reduced(entry), Counter[str]()
        try:
            clear = self._cleared(small, places)
        except (ValueError, ThreadlineError, RecursionError):
            return self._cleared_bytes(small)
        if not places:
            return None
        before, after = _ids(small, names), _ids(clear, names)
        kept = {
            number: was
            for number, (was, become) in enumerate(zip(before, after, strict=True))
            if was != become
        }
        headers = {**clear.headers, ERASED: at.isoformat(), ORIGINALS: written(kept)}
        return Cleared(entry=replace(clear, headers=headers), places=places)

    def text(self, text: str) -> str:
        """`text` with pseudonyms."""
        return self._erased.replaced(text.encode())[0].decode()

    def _cleared(self, entry: Entry, places: Counter[str]) -> Entry:
        if entry.kind == "cloudevents":
            events = parsed(entry.body)
            for event in events if isinstance(events, list) else [events]:
                if isinstance(event, dict):
                    self._event(event, places)
            body = json.dumps(events, ensure_ascii=False, separators=(",", ":"))
            return replace(entry, body=body.encode())
        said = request(entry)
        self._request(said, places)
        return with_body(entry, said)

    def _cleared_bytes(self, entry: Entry) -> Cleared | None:
        """What is not understood is searched as it is, inflated if that can be done."""
        body, count = self._erased.replaced(entry.body)
        if not count:
            return None
        return Cleared(entry=replace(entry, body=body), places=Counter({"(not understood)": count}))

    def _request(self, said: Request, places: Counter[str]) -> None:
        if isinstance(said, ExportTraceServiceRequest):
            for resource_spans in said.resource_spans:
                self._attributes(resource_spans.resource.attributes, places)
                for scope_spans in resource_spans.scope_spans:
                    for span in scope_spans.spans:
                        self._span(span, places)
            return
        for resource_logs in said.resource_logs:
            self._attributes(resource_logs.resource.attributes, places)
            for scope_logs in resource_logs.scope_logs:
                for record in scope_logs.log_records:
                    record.event_name = self._said(record.event_name, "(name)", places)
                    self._value(record.body, "(body)", places)
                    self._attributes(record.attributes, places)

    def _span(self, span: Span, places: Counter[str]) -> None:
        span.name = self._said(span.name, "(name)", places)
        span.trace_state = self._said(span.trace_state, "(trace state)", places)
        if span.status.message:
            span.status.message = self._said(span.status.message, "(message)", places)
        self._attributes(span.attributes, places)
        for event in span.events:
            self._attributes(event.attributes, places)

    def _attributes(
        self, pairs: Collection[KeyValue], places: Counter[str], under: str = ""
    ) -> None:
        for pair in pairs:
            self._value(pair.value, f"{under}{pair.key}", places)
        told = {pair.key: pair.value.string_value for pair in pairs}
        for name, pseudonym in self._beside(told, under):
            for pair in pairs:
                if pair.key == name:
                    pair.value.string_value = pseudonym
                    places[f"{under}{name}"] += 1

    def _value(self, value: AnyValue, name: str, places: Counter[str]) -> None:
        match value.WhichOneof("value"):
            case "string_value":
                value.string_value = self._said(value.string_value, name, places)
            case "array_value":
                for item in value.array_value.values:
                    self._value(item, name, places)
            case "kvlist_value":
                self._attributes(value.kvlist_value.values, places, f"{name}.")

    def _event(self, event: dict[str, Any], places: Counter[str]) -> None:
        raw = event.get("data_base64")
        if isinstance(raw, str):
            body, count = self._erased.replaced(base64.b64decode(raw, validate=True))
            places.update({"data_base64": count} if count else {})
            event["data_base64"] = base64.b64encode(body).decode()
        data = event.pop("data", None)
        self._object(event, places)
        if data is not None:
            event["data"] = self._json(data, "", places)

    def _json(self, value: Any, name: str, places: Counter[str]) -> Any:
        if isinstance(value, dict):
            return self._object(value, places, f"{name}." if name else "")
        if isinstance(value, list):
            return [self._json(item, name, places) for item in value]
        return self._said(value, name or "data", places) if isinstance(value, str) else value

    def _object(
        self, values: dict[str, Any], places: Counter[str], under: str = ""
    ) -> dict[str, Any]:
        for name, value in values.items():
            values[name] = self._json(value, f"{under}{name}", places)
        for name, pseudonym in self._beside(values, under):
            values[name] = pseudonym
            places[f"{under}{name}"] += 1
        return values

    def _beside(self, values: dict[str, Any], under: str) -> list[tuple[str, str]]:
        """Personal attributes beside one that is a pseudonym now, and that pseudonym."""
        personal = {name: _prefix(under + name) for name in values if self._fits(under + name)}
        people = {
            prefix: values[name]
            for name, prefix in personal.items()
            if isinstance(values[name], str) and values[name] in self._pseudonyms
        }
        return [
            (name, people[prefix])
            for name, prefix in personal.items()
            if prefix in people and values[name] and values[name] not in self._pseudonyms
        ]

    def _fits(self, name: str) -> bool:
        return any(fnmatchcase(name.lower(), pattern) for pattern in self._personal)

    def _said(self, text: str, name: str, places: Counter[str]) -> str:
        replaced, count = self._erased.replaced(text.encode())
        if not count:
            return text
        places[name] += count
        return replaced.decode()


def _prefix(name: str) -> str:
    return name.rpartition(".")[0]


def _ids(entry: Entry, names: Names) -> list[tuple[str, int]]:
    """The id and content hash of each fact of `entry`, as decoding gives them."""
    place = Logged(position=Position(partition=0, offset=0), entry=entry)
    read = [one for one in messages([place]) if isinstance(one, Message)]
    found = [(row["fact_id"], row["content_hash"]) for row in by_reference(read, names)[0]]
    for number, kept in originals(entry).items():
        found[number] = kept
    return found
