"""Inputs without some of their facts."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator
from dataclasses import replace
from typing import Any

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from collector.decode.originals import ORIGINALS, originals, written
from collector.intake.cloudevents import BATCHED
from collector.intake.strict_json import parsed
from collector.keeping.reduction import Request, reduced, request, with_body
from threadline.model.entries import Entry


def without(entry: Entry, ordinals: Collection[int]) -> Entry:
    """`entry`, `reduced`, without the facts of these ordinals; others keep ids and order.

    It has to be one that is understood.
    """
    if entry.kind == "cloudevents":
        small = reduced(entry)
        said = parsed(small.body)
        events = said if isinstance(said, list) else [said]
        left = [event for number, event in enumerate(events) if number not in ordinals]
        body = json.dumps(left, ensure_ascii=False, separators=(",", ":")).encode()
        less = replace(small, content_type=BATCHED, body=body)
    else:
        whole = request(entry)
        _remove(whole, frozenset(ordinals))
        less = with_body(entry, whole)
    if ORIGINALS not in entry.headers:
        return less
    return replace(less, headers={**less.headers, ORIGINALS: _moved(entry, frozenset(ordinals))})


def _moved(entry: Entry, gone: frozenset[int]) -> str:
    """The ids that facts had at first, by the ordinals that they have now."""
    return written(
        {
            ordinal - sum(other < ordinal for other in gone): kept
            for ordinal, kept in originals(entry).items()
            if ordinal not in gone
        }
    )


def _remove(whole: Request, gone: frozenset[int]) -> None:
    ordinal = 0
    for facts in _lists(whole):
        left = []
        for fact in facts:
            if ordinal not in gone:
                left.append(fact)
            ordinal += 1
        del facts[:]
        facts.extend(left)


def _lists(whole: Request) -> Iterator[Any]:
    if isinstance(whole, ExportTraceServiceRequest):
        for resource_spans in whole.resource_spans:
            for scope_spans in resource_spans.scope_spans:
                yield scope_spans.spans
    else:
        for resource_logs in whole.resource_logs:
            for scope_logs in resource_logs.scope_logs:
                yield scope_logs.log_records
