"""Observable truth, first half: what the requests of a tape say, and whose it is.

Plain Python, one fact at a time, everything seen at once: the official Protobuf classes, JSON, the
definition files, and nothing of the rooms that are judged. Rules that the definition files do not
state are those of docs/adr/0003:

- a fact is a span (by trace and span id) or a business event (by source and id); its earliest
  receipt counts. Of contradicting versions the one with the greatest content hash speaks: eight
  bytes, little-endian, of the SHA-256 of its lines. Worlds' resources say nothing of objects;
- a fact without identifiers takes those of its nearest ancestor that has some, else those of the
  spans that it or its nearest linking ancestor links to, else those of all spans of its trace,
  unless they are more than sixteen;
- a fact that names two identifiers of a configured pair is evidence, if its time is plausible and
  it says which belongs to which. Better: the system of record, the earlier time, the smaller id.
"""

from __future__ import annotations

import base64
import csv
import gzip
import json
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import Any
from urllib.parse import unquote
from zoneinfo import ZoneInfo

import yaml
from judge.tape import Delivery
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

SENDER = "open"  # whom a service without tokens takes its input to be from
CONTEXT = ("specversion", "id", "source", "type", "time", "datacontenttype", "dataschema")
CONTEXT += ("subject", "data", "data_base64", "traceparent", "tracestate")
SAMPLED = re.compile(r"(?:^|,)\s*ot=(?:[^,]*;)?th:0*[1-9a-f]")
TRACEPARENT = re.compile(r"^[0-9a-f]{2}-([0-9a-f]{32})-([0-9a-f]{16})-[0-9a-f]{2}")
MOST_OF_A_TRACE = 16
MOST_HOPS = 16


@dataclass(kw_only=True)
class Fact:
    """One fact; `identifiers` are those it names itself, `speaks` those it names or inherits."""

    fact_id: str
    kind: str
    system: str
    name: str
    at: datetime | None
    occurred_at: datetime | None
    plausible: bool
    outcome: str
    message: str
    attributes: dict[str, Any]
    received_at: datetime
    heard_at: datetime  # when the last of its versions was first received
    received: list[datetime]  # when each of them was
    trace_id: str = ""
    span_id: str = ""
    below: str = ""
    links: tuple[tuple[str, str], ...] = ()
    sampled: bool = False
    identifiers: frozenset[str] = frozenset()
    speaks: frozenset[str] = frozenset()
    how: str = "none"
    content: str = field(default="", repr=False)

    @property
    def rank(self) -> int:
        """Among versions of one fact the greatest speaks."""
        return int.from_bytes(sha256(self.content.encode()).digest()[:8], "little")


class Rules:
    """The definition files that say what names what."""

    def __init__(self, directory: Path) -> None:
        given = yaml.safe_load((directory / "objects.yaml").read_text())
        self.objects = given["objects"]
        self.namespaces = given["namespaces"]
        self.same_as = given["same_as"]
        self.relations = given["relations"]
        self.attributes = given["attributes"]
        self.retractions = given["retractions"]
        files = sorted((directory / "sources").glob("*.yaml"))
        self.sources = [yaml.safe_load(file.read_text()) for file in files]

    def source(self, kind: str, name: str) -> dict[str, Any]:
        """The source that a service name or an event source belongs to; {} if none does."""
        fitting = [
            (pattern.endswith("*"), -len(pattern), source["system"], source)
            for source in self.sources
            for pattern in source["services" if kind == "span" else "events"]
            if name == pattern or (pattern.endswith("*") and name.startswith(pattern[:-1]))
        ]
        return min(fitting, key=lambda each: each[:3])[3] if fitting else {}

    def identifiers(self, attributes: dict[str, Any]) -> frozenset[str]:
        """What `attributes` name, normalised."""
        found = set()
        for name, value in attributes.items():
            rule = self.attributes.get(name)
            for one in (value if isinstance(value, list) else [value]) if rule else ():
                written = self._written(rule["namespace"], _text(one))
                if written:
                    found.add(f"{rule['object']}:{rule['namespace']}:{written}")
        return frozenset(found)

    def links(self, identifier: str) -> bool:
        """Whether an identifier may tie anything."""
        return self.objects[identifier.split(":")[0]].get("links") != "never"

    def _written(self, namespace: str, value: str) -> str:
        rule, value = self.namespaces.get(namespace, {}), value.strip()
        value = {"upper": value.upper(), "lower": value.lower()}.get(rule.get("case"), value)
        if rule.get("strip_leading_zeros") and re.fullmatch(r"[0-9]+", value):
            value = value.lstrip("0") or "0"
        return value


def facts(told: Iterable[Fact], rules: Rules) -> dict[str, Fact]:
    """Every fact by its id, with what it speaks of."""
    versions: dict[str, dict[str, Fact]] = defaultdict(dict)
    for fact in told:
        known = versions[fact.fact_id].setdefault(fact.content, fact)
        known.received_at = min(known.received_at, fact.received_at)
    found = {key: max(some.values(), key=lambda f: f.rank) for key, some in versions.items()}
    for key, some in versions.items():
        found[key].heard_at = max(each.received_at for each in some.values())
        found[key].received = [each.received_at for each in some.values()]
    _inherit(list(found.values()), rules)
    return found


def said(delivery: Delivery, rules: Rules) -> Iterator[Fact]:
    """Every fact that a request tells, however often."""
    body = delivery.body
    if delivery.headers.get("content-encoding") == "gzip":
        body = gzip.decompress(body)
    if delivery.channel == "file":
        for event in _rows(delivery):
            yield _event(event, delivery.at, rules)
    elif delivery.channel.startswith("traces"):
        yield from _spans(body, delivery.at, rules)
    else:
        for event in _cloud_events(body, delivery.headers):
            yield _event(event, delivery.at, rules)


def _spans(body: bytes, received: datetime, rules: Rules) -> Iterator[Fact]:
    for resource in ExportTraceServiceRequest.FromString(body).resource_spans:
        given = {pair.key: pair.value for pair in resource.resource.attributes}
        service = given["service.name"].string_value
        for scope in resource.scope_spans:
            for span in scope.spans:
                yield _span(span, service, received, rules)


def _span(span: Any, service: str, received: datetime, rules: Rules) -> Fact:
    attributes = {pair.key: _value(pair.value) for pair in span.attributes}
    start, end = _instant(span.start_time_unix_nano), _instant(span.end_time_unix_nano)
    trace, own = span.trace_id.hex(), span.span_id.hex()
    errors = [
        pair.value.string_value
        for event in span.events
        for pair in event.attributes
        if pair.key == "exception.message"
    ]
    message = span.status.message or next((text for text in errors if text), "")
    links = [(link.trace_id.hex(), link.span_id.hex()) for link in span.links]
    return Fact(
        fact_id=_id("span", SENDER, trace, own),
        kind="span",
        system=rules.source("span", service).get("system", ""),
        name=span.name,
        at=end,
        occurred_at=start,
        plausible=_plausible(start, end, received) and start <= end,
        outcome={1: "ok", 2: "error"}.get(span.status.code, "unset"),
        message=message,
        attributes=attributes,
        received_at=received,
        heard_at=received,
        received=[received],
        trace_id=trace,
        span_id=own,
        below=span.parent_span_id.hex(),
        links=tuple(links),
        sampled=bool(SAMPLED.search(span.trace_state)),
        identifiers=rules.identifiers(attributes),
        content="\n".join(
            [
                _json(service),
                trace,
                own,
                span.parent_span_id.hex(),
                *(_json(text) for text in (span.trace_state, span.name)),
                *(str(at) for at in (span.start_time_unix_nano, span.end_time_unix_nano)),
                str(span.status.code),
                _json(message),
                ",".join(f"{trace_id}:{span_id}" for trace_id, span_id in links),
                _json(attributes),
            ]
        ),
    )


def _cloud_events(body: bytes, headers: Any) -> list[dict[str, Any]]:
    kind = headers.get("content-type", "").split(";")[0]
    if kind == "application/cloudevents-batch+json":
        return list(json.loads(body))
    if kind == "application/cloudevents+json":
        return [json.loads(body)]
    event = {name[3:]: unquote(text) for name, text in headers.items() if name.startswith("ce-")}
    return [event | {"data": json.loads(body)}]


def _rows(delivery: Delivery) -> Iterator[dict[str, Any]]:
    """The lines of a nightly file as the events they stand for (docs/imports.md)."""
    assert delivery.file is not None
    assert delivery.mapping is not None
    mapping = _mapping(delivery.mapping)
    with delivery.file.open(encoding="utf-8", newline="") as text:
        for cells in csv.DictReader(text, delimiter=mapping.get("delimiter", ",")):
            row = {column: cell for column, cell in cells.items() if cell}
            said = json.dumps(row, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
            form, written = mapping["time"].get("format"), row[mapping["time"]["column"]]
            local = datetime.fromisoformat(written) if not form else _local(written, form)
            at = local.replace(tzinfo=ZoneInfo(mapping["zone"])).astimezone(UTC)
            kind = mapping["type"]
            yield {
                "id": "|".join(row[key] for key in mapping["key"])
                + "@"
                + sha256(said.encode()).hexdigest()[:16],
                "source": mapping["source"],
                "type": kind.get("value") or kind["values"][row[kind["column"]]],
                "time": at.isoformat().replace("+00:00", "Z"),
                "data": {mapping["attributes"].get(c, c): cell for c, cell in row.items()},
            }


@cache
def _mapping(file: Path) -> dict[str, Any]:
    return dict(yaml.safe_load(file.read_text()))


def _local(written: str, form: str) -> datetime:
    return datetime.strptime(written, form)  # noqa: DTZ007  # zoned by the caller


def _event(event: dict[str, Any], received: datetime, rules: Rules) -> Fact:
    source = rules.source("event", event["source"])
    data = event["data"] if "data" in event else json.loads(base64.b64decode(event["data_base64"]))
    extensions = {key: value for key, value in event.items() if key not in CONTEXT}
    attributes = extensions | dict(_flat(data))
    at = datetime.fromisoformat(event["time"]) if event.get("time") else None
    zoned = at is not None and at.tzinfo is not None
    at = at if at is None or zoned else at.replace(tzinfo=UTC)
    failed = any(_like(pattern, event["type"]) for pattern in source.get("failures", ()))
    said = attributes.get("outcome")
    under = TRACEPARENT.match(event.get("traceparent", ""))
    return Fact(
        fact_id=_id("event", SENDER, event["source"], event["id"]),
        kind="event",
        system=source.get("system", ""),
        name=event["type"],
        at=at,
        occurred_at=at,
        plausible=zoned and _plausible(at, at, received),
        outcome=said if said in ("ok", "error") else "error" if failed else "ok",
        message=_text(attributes.get("error.message") or attributes.get("exception.message")),
        attributes=attributes,
        received_at=received,
        heard_at=received,
        received=[received],
        trace_id=under[1] if under else "",
        below=under[2] if under else "",
        sampled=bool(SAMPLED.search(event.get("tracestate", ""))),
        identifiers=rules.identifiers(attributes),
        content="\n".join(
            [
                *(_json(event.get(name, "")) for name in ("source", "id", "type", "time")),
                _json(attributes),
            ]
        ),
    )


def _inherit(told: list[Fact], rules: Rules) -> None:
    spans = {(fact.trace_id, fact.span_id): fact for fact in told if fact.kind == "span"}
    traces = defaultdict(list)
    for fact in told:
        fact.speaks = frozenset(name for name in fact.identifiers if rules.links(name))
        fact.how = "own" if fact.speaks else "none"
        traces[fact.trace_id].append(fact)
    waiting = [fact for fact in told if not fact.speaks and fact.trace_id]
    lost = []
    for fact in waiting:
        above = next((each for each in _ancestors(fact, spans) if each.how == "own"), None)
        if above is not None:
            fact.speaks, fact.how = above.speaks, "ancestor"
        else:
            lost.append(fact)
    linked = {fact.fact_id: _over_links(fact, spans, MOST_HOPS) for fact in lost}
    for fact in lost:
        if linked[fact.fact_id]:
            fact.speaks, fact.how = linked[fact.fact_id], "link"
    for fact in [each for each in lost if not linked[each.fact_id]]:
        members = [each for each in traces[fact.trace_id] if each.kind == "span"]
        sets = [each.speaks for each in members if each.how in ("own", "link")]
        whole = frozenset().union(*sets)
        if whole:
            crowded = len(whole) > MOST_OF_A_TRACE
            fact.speaks, fact.how = (frozenset(), "shared") if crowded else (whole, "trace")


def _ancestors(fact: Fact, spans: dict[tuple[str, str], Fact]) -> Iterator[Fact]:
    seen = {fact.fact_id}
    above = spans.get((fact.trace_id, fact.below))
    while above is not None and above.fact_id not in seen:
        seen.add(above.fact_id)
        yield above
        above = spans.get((above.trace_id, above.below))


def _over_links(fact: Fact, spans: dict[tuple[str, str], Fact], hops: int) -> frozenset[str]:
    for each in (fact, *_ancestors(fact, spans)):
        found: set[str] = set()
        for end in each.links:
            target = spans.get(end)
            line = (target, *_ancestors(target, spans)) if target else ()
            own = next((one.speaks for one in line if one.how == "own"), frozenset())
            if target and not own and hops > 1:
                own = _over_links(target, spans, hops - 1)
            found |= own
        if found:
            return frozenset(found)
    return frozenset()


def _plausible(start: datetime | None, end: datetime | None, received: datetime) -> bool:
    # Judged to the second, as instants in whole seconds of the epoch.
    latest = int(received.timestamp()) + timedelta(days=1).total_seconds()
    instants = (start, end)
    return all(
        at is not None and at.year >= 2000 and int(at.timestamp()) <= latest for at in instants
    )


def _instant(nanoseconds: int) -> datetime | None:
    if not nanoseconds:
        return None
    return datetime.fromtimestamp(0, UTC) + timedelta(microseconds=nanoseconds // 1000)


def _value(given: Any) -> Any:
    which = given.WhichOneof("value")
    if which == "array_value":
        return [_value(item) for item in given.array_value.values]
    return getattr(given, which) if which else None


def _flat(data: dict[str, Any], before: str = "") -> Iterator[tuple[str, Any]]:
    for key, value in data.items():
        if isinstance(value, dict) and value:
            yield from _flat(value, f"{before}{key}.")
        else:
            yield before + key, value


def _text(value: Any) -> str:
    if value is None:
        return ""
    return value if isinstance(value, str) else json.dumps(value)


def _json(value: Any) -> str:
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def _like(pattern: str, name: str) -> bool:
    return re.fullmatch(".*".join(map(re.escape, pattern.split("*"))), name) is not None


def _id(*parts: str) -> str:
    return sha256("|".join(parts).encode()).hexdigest()[:32]
