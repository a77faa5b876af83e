"""A webhook as a receiver: the payload as JSON in one POST."""

from __future__ import annotations

import logging
from datetime import timedelta
from urllib.parse import urlsplit

import httpx

from alerts.receivers import DELIVERED, Outcome, Receiver
from threadline.model.incidents import Notification

_CONNECT_SECONDS = 5.0


class WebhookReceiver(Receiver):
    """POSTs to `url`, whose path and query may be secret and appear in no log and no error.

    The request carries `Idempotency-Key`, the same when a notification is sent again. Redirects are
    not followed: a page must not wander to where nobody configured it.
    """

    def __init__(self, url: str, timeout: timedelta) -> None:
        self._url = url
        self._client = httpx.Client(
            timeout=httpx.Timeout(timeout.total_seconds(), connect=_CONNECT_SECONDS),
            follow_redirects=False,
        )

    def deliver(self, notification: Notification) -> Outcome:
        try:
            # Only the answer's head is read: its body says nothing we act on and may never end.
            with self._client.stream(
                "POST",
                self._url,
                json=dict(notification.payload),
                headers={"Idempotency-Key": notification.key},
            ) as response:
                return judge(response.status_code, response.headers.get("retry-after", ""))
        except httpx.TimeoutException:
            return Outcome(delivered=False, reason="timeout", retry=True)
        except httpx.TransportError as error:
            return Outcome(delivered=False, reason=_transport_reason(error), retry=True)

    def close(self) -> None:
        self._client.close()


def judge(status: int, retry_after: str) -> Outcome:
    """What a status code means: 2xx is delivered, 5xx, 408, 425 and 429 are worth another try."""
    if 200 <= status < 300:
        return DELIVERED
    retry = status >= 500 or status in (408, 425, 429)
    wait = timedelta(seconds=int(retry_after)) if retry and retry_after.isdecimal() else None
    return Outcome(delivered=False, reason=f"status {status}", retry=retry, retry_after=wait)


def redacted(url: str) -> str:
    """Scheme, host and port of `url`; what may be secret is left out."""
    parts = urlsplit(url)
    port = f":{parts.port}" if parts.port else ""
    return f"{parts.scheme}://{parts.hostname}{port}/…"


def _transport_reason(error: httpx.TransportError) -> str:
    # The class and no words of it: those may repeat the URL.
    return "connection" if isinstance(error, httpx.NetworkError) else type(error).__name__


class _Redaction(logging.Filter):
    """httpx logs the full URL of every request at level info."""

    def filter(self, record: logging.LogRecord) -> bool:
        if isinstance(record.args, tuple):
            record.args = tuple(
                redacted(str(part)) if isinstance(part, httpx.URL) else part for part in record.args
            )
        return True


logging.getLogger("httpx").addFilter(_Redaction())
