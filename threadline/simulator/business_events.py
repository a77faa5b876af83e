"""Publishing business events as CloudEvents with the official SDK, in all three content modes."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from itertools import islice

import httpx
from cloudevents.core.bindings.http import HTTPMessage, to_binary_event, to_structured_event
from cloudevents.core.formats.json import JSONFormat
from cloudevents.core.v1.event import CloudEvent

from threadline.simulator.acts import Event
from threadline.simulator.services import NotDelivered

BATCH = 50
ATTEMPTS = 8
RETRIABLE = (429, 502, 503, 504)
BATCH_TYPE = "application/cloudevents-batch+json"


class Publisher:
    """Posts events to `url`; `wait`s some seconds before it tries again what may still succeed."""

    def __init__(self, url: str, client: httpx.Client, wait: Callable[[float], object]) -> None:
        self._url, self._client, self._wait = url, client, wait
        self.accepted = self.repeated = 0

    def publish(self, events: Iterable[Event]) -> None:
        """Send events in their order, batched ones in groups at the end; raises `NotDelivered`."""
        batched = []
        for event in events:
            if event.mode == "batched":
                batched += [event] * event.sends
            else:
                self._send_alone(event)
            self.accepted += 1
            self.repeated += event.sends - 1
        waiting = iter(batched)
        while batch := list(islice(waiting, BATCH)):
            self._post(_together(batch))

    def _send_alone(self, event: Event) -> None:
        encode = to_binary_event if event.mode == "binary" else to_structured_event
        message = encode(_cloud_event(event))
        for _ in range(event.sends):
            self._post(message)

    def _post(self, message: HTTPMessage) -> None:
        problem = ""
        for attempt in range(ATTEMPTS):
            try:
                answer = self._client.post(self._url, content=message.body, headers=message.headers)
            except httpx.TransportError as error:
                problem = str(error)
            else:
                if answer.is_success:
                    return
                problem = f"HTTP {answer.status_code}: {answer.text[:200]}"
                if answer.status_code not in RETRIABLE:
                    break
            self._wait(min(0.1 * 2**attempt, 2.0))
        raise NotDelivered(f"an event was not accepted by {self._url}: {problem}")


def _together(events: Sequence[Event]) -> HTTPMessage:
    # The SDK has no batched mode; a batch is the JSON array of structured events.
    body = b"[" + b",".join(JSONFormat().write(_cloud_event(event)) for event in events) + b"]"
    return HTTPMessage(headers={"content-type": BATCH_TYPE}, body=body)


def _cloud_event(event: Event) -> CloudEvent:
    system, _, product = event.service.partition("-")
    attributes = {
        "id": event.id,
        "source": f"/{system}/{product}",
        "type": event.type,
        "time": event.at,
        "datacontenttype": "application/json",
    }
    return CloudEvent(attributes, dict(event.data))
