"""CloudEvents 1.0 over HTTP: structured, batched and binary."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from typing import Any
from urllib.parse import unquote

from collector.intake import strict_json
from collector.intake.media import JSON, Media
from collector.intake.refusals import Malformed, Unsupported
from collector.intake.rfc3339 import is_time
from collector.intake.submissions import ACCEPTED, Signal, Submission, Verdict

STRUCTURED = "application/cloudevents+json"
BATCHED = "application/cloudevents-batch+json"
_PREFIX = "ce-"
_REQUIRED = ("id", "source", "type")
_OPTIONAL = ("datacontenttype", "dataschema", "subject", "time")


def event_headers(headers: Mapping[str, str]) -> dict[str, str]:
    """The headers that carry a binary event's attributes, names in lower case, values as sent."""
    return {
        name.lower(): value for name, value in headers.items() if name.lower().startswith(_PREFIX)
    }


def _attributes(headers: Mapping[str, str]) -> dict[str, str]:
    try:
        return {
            name.removeprefix(_PREFIX): unquote(value, errors="strict")
            for name, value in headers.items()
        }
    except UnicodeDecodeError as error:
        raise Malformed(f"a ce- header is not percent-encoded UTF-8: {error}") from error


def _admit(submission: Submission) -> None:
    media = submission.media
    if media.type.startswith("application/cloudevents"):
        media.require(STRUCTURED, BATCHED)
    elif not submission.headers:
        raise Unsupported(
            f"content type {media.type or 'none'} without ce- headers: send {STRUCTURED}, {BATCHED}"
            " or binary mode"
        )


def _judge(submission: Submission, content: bytes) -> Verdict:
    match submission.media.type:
        case "application/cloudevents+json":
            _judge_event(strict_json.parsed(content), "the event")
        case "application/cloudevents-batch+json":
            _judge_batch(strict_json.parsed(content))
        case _:
            _judge_binary(submission, content)
    return ACCEPTED


def _judge_batch(events: Any) -> None:
    if not isinstance(events, list):
        raise Malformed("a batch is a JSON array of events")
    for number, event in enumerate(events):
        _judge_event(event, f"event [{number}]")


def _judge_event(event: Any, which: str) -> None:
    if not isinstance(event, dict):
        raise Malformed(f"{which} is not a JSON object")
    _judge_attributes(event, which)
    if (encoded := event.get("data_base64")) is not None:
        if "data" in event:
            raise Malformed(f"{which} has both data and data_base64")
        _judge_data(_decoded(encoded, which), event.get("datacontenttype"), which)


def _judge_binary(submission: Submission, content: bytes) -> None:
    _judge_attributes(_attributes(submission.headers), "the event")
    _judge_data(content, submission.content_type, "the event")


def _judge_attributes(event: Mapping[str, Any], which: str) -> None:
    for name in (*_REQUIRED, "specversion"):
        if not isinstance(value := event.get(name), str) or not value:
            raise Malformed(f"{which} needs the attribute {name}, a string that is not empty")
    if event["specversion"] != "1.0":
        raise Malformed(f"{which} has specversion {event['specversion'][:16]!r}: send 1.0")
    for name in _OPTIONAL:
        if not isinstance(event.get(name), str | None):
            raise Malformed(f"{which} has a {name} that is not a string")
    time = event.get("time")
    if time is not None and not is_time(time):
        raise Malformed(f"{which} has the time {time[:64]!r}, which is not RFC 3339")


def _judge_data(data: bytes, content_type: str | None, which: str) -> None:
    if data and Media.parse(content_type or JSON).is_json:
        try:
            strict_json.parsed(data)
        except Malformed as error:
            raise Malformed(
                f"{which} has data that are not {content_type or JSON}: {error}"
            ) from error


def _decoded(encoded: Any, which: str) -> bytes:
    try:
        return base64.b64decode(encoded, validate=True)
    except (ValueError, TypeError) as error:
        raise Malformed(f"{which} has data_base64 that is not base64: {error}") from error


EVENTS = Signal(
    name="events",
    kind="cloudevents",
    answer_types=(JSON,),
    admit=_admit,
    judge=_judge,
    answer=lambda _media_type, _verdict: b"{}",
)
