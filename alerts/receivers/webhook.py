"""A webhook as a receiver: the payload as JSON in one POST, signed where secrets are declared."""

from __future__ import annotations

import hashlib
import json

from alerts.receivers import DELIVERED, Outcome, signatures
from alerts.receivers.http import HttpClient
from alerts.receivers.options import WebhookOptions
from threadline.clock import Clock
from threadline.model.incidents import Notification


class WebhookReceiver:
    """POSTs `notification.schema.json`.

    The request carries `Idempotency-Key` and `webhook-id`, the same when a notification is sent
    again. With several secrets, each signs: the other side may go from one to the next.
    """

    def __init__(self, options: WebhookOptions, http: HttpClient, clock: Clock) -> None:
        self._url, self._http, self._clock = options.url, http, clock
        secret = options.secret
        self._secrets = [
            signatures.key(one) for one in ((secret,) if isinstance(secret, str) else secret)
        ]

    def deliver(self, notification: Notification) -> Outcome:
        body = json.dumps(notification.payload, ensure_ascii=False, separators=(",", ":")).encode()
        headers = {"Content-Type": "application/json", "Idempotency-Key": notification.key}
        if self._secrets:
            headers |= signatures.signed(
                message_id(notification), self._clock.now(), body, self._secrets
            )

        def post() -> Outcome:
            self._http.request("POST", self._url, content=body, headers=headers)
            return DELIVERED

        return self._http.attempt(post)

    def close(self) -> None:
        self._http.close()


def message_id(notification: Notification) -> str:
    """The same for the same notification, and without full stops: they part what is signed."""
    return f"msg_{hashlib.sha256(notification.key.encode()).hexdigest()[:32]}"
