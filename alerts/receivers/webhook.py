"""A webhook as a receiver: the payload as JSON in one POST, signed where secrets are declared.

Signatures are those of Standard Webhooks 1.0 (github.com/standard-webhooks/standard-webhooks).
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import json
from collections.abc import Sequence
from datetime import datetime

from alerts.receivers import DELIVERED, Outcome
from alerts.receivers.http import HttpClient, outcome_of
from alerts.receivers.options import WebhookOptions
from threadline.clock import Clock
from threadline.model.incidents import Notification

_PREFIX = "whsec_"


class WebhookReceiver:
    """POSTs `notification.schema.json`.

    The request carries `Idempotency-Key` and `webhook-id`, the same when a notification is sent
    again. With several secrets, each signs: the other side may go from one to the next.
    """

    def __init__(self, options: WebhookOptions, http: HttpClient, clock: Clock) -> None:
        self._url, self._http, self._clock = options.url, http, clock
        secret = options.secret
        self._secrets = [key(one) for one in ((secret,) if isinstance(secret, str) else secret)]

    def deliver(self, notification: Notification) -> Outcome:
        body = json.dumps(notification.payload, ensure_ascii=False, separators=(",", ":")).encode()
        headers = {"Content-Type": "application/json", "Idempotency-Key": notification.key}
        if self._secrets:
            headers |= signed(message_id(notification), self._clock.now(), body, self._secrets)

        def post() -> Outcome:
            self._http.request("POST", self._url, content=body, headers=headers)
            return DELIVERED

        return outcome_of(post)

    def close(self) -> None:
        self._http.close()


def message_id(notification: Notification) -> str:
    """The same for the same notification, and without full stops: they part what is signed."""
    return f"msg_{hashlib.sha256(notification.key.encode()).hexdigest()[:32]}"


def key(secret: str) -> bytes:
    """The bytes of a secret as Standard Webhooks writes it: `whsec_` and base64.

    Raises `ValueError`, without repeating the secret.
    """
    try:
        decoded = base64.b64decode(secret.removeprefix(_PREFIX), validate=True)
    except (binascii.Error, ValueError):
        decoded = b""
    if not 16 <= len(decoded) <= 256:
        raise ValueError("must be 'whsec_' and 24 to 64 bytes in base64 once variables are filled in")
    return decoded


def signed(
    message: str, at: datetime, body: bytes, secrets: Sequence[bytes]
) -> dict[str, str]:
    """The three headers by which the other side knows who sent `body`, and when."""
    timestamp = str(int(at.timestamp()))
    content = f"{message}.{timestamp}.".encode() + body
    signatures = (
        "v1," + base64.b64encode(hmac.digest(secret, content, "sha256")).decode()
        for secret in secrets
    )
    return {
        "webhook-id": message,
        "webhook-timestamp": timestamp,
        "webhook-signature": " ".join(signatures),
    }
