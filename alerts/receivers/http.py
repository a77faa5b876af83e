"""Requests to receivers: bounded in time and size, with a named reason for whatever fails."""

from __future__ import annotations

import json
import logging
import ssl
import threading
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import urlsplit

import httpx

from alerts.receivers import DELIVERED, Outcome
from alerts.receivers.time_limit import TimeLimit
from threadline.clock import Clock

_CONNECT_SECONDS = 5.0
# Failures after which the message may have arrived all the same.
_UNCLEAR = ("timeout", "cut off")
_LONGEST_ANSWER = 64 * 1024  # bytes; what we look for stands at its beginning
_THROTTLED = 429
_PASSING = (408, 425, _THROTTLED)
# Said by a gateway whose server may have done it (RFC 9110, 15.6.3 and 15.6.5), or by a server that
# broke down on the way; one that is unavailable, or throttles, has not begun.
_HALF_DONE = (500, 502, 504)


class Failed(Exception):
    """A request came to nothing; `status` is 0 where nobody answered."""

    def __init__(self, outcome: Outcome, status: int = 0) -> None:
        self.outcome, self.status = outcome, status
        super().__init__(outcome.reason)


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What came back; `body` is cut after 64 KiB."""

    status: int
    retry_after: str
    body: bytes

    @property
    def json(self) -> Any:
        """The body as JSON; None where it is none."""
        try:
            return json.loads(self.body)
        except ValueError:
            return None


class HttpClient:
    """Proxies are those of the environment, redirects are not followed.

    URLs may be secret: they appear in no log and no error. A page must not wander to where nobody
    configured it, so a redirect is a failure like another. `timeout` bounds an attempt as a whole,
    however often it asks. Connections are not kept: one that the other side has closed meanwhile
    would look like a failure, and the message would go out twice.
    """

    def __init__(self, timeout: timedelta, clock: Clock) -> None:
        self._timeout, self._clock = timeout, clock
        seconds = timeout.total_seconds()
        self._running = threading.local()
        self._client = httpx.Client(
            timeout=httpx.Timeout(seconds, connect=min(seconds, _CONNECT_SECONDS)),
            limits=httpx.Limits(max_keepalive_connections=0),
            follow_redirects=False,
            headers={"User-Agent": "Threadline"},
        )

    def attempt(self, act: Callable[[], Outcome]) -> Outcome:
        """What `act` comes to, whose requests share one time limit; one that fails ends it."""
        with TimeLimit(self._timeout) as limit:
            self._running.limit = limit
            try:
                return act()
            except Failed as failed:
                return failed.outcome
            finally:
                self._running.limit = None

    def request(
        self,
        method: str,
        url: str,
        *,
        json: Any = None,
        content: bytes | None = None,
        params: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
        auth: tuple[str, str] | None = None,
    ) -> Answer:
        """The answer, whose status is 2xx; raises `Failed`."""
        with self._limited() as limit:
            try:
                with self._client.stream(
                    method,
                    url,
                    json=json,
                    content=content,
                    params=params,
                    headers=headers,
                    auth=auth,
                    extensions={"trace": _watching(limit)},
                ) as response:
                    answer = _read(response)
            except (httpx.HTTPError, httpx.InvalidURL, ValueError) as error:
                raise Failed(_failure(error, limit)) from None  # its words may repeat the URL
        outcome = judge(answer.status, answer.retry_after, self._clock.now())
        if not outcome.delivered:
            raise Failed(outcome, answer.status)
        return answer

    def close(self) -> None:
        """Let go of connections."""
        self._client.close()

    def _limited(self) -> AbstractContextManager[TimeLimit]:
        """The limit of the attempt this request is part of, or one of its own."""
        running: TimeLimit | None = getattr(self._running, "limit", None)
        if running is None:
            return TimeLimit(self._timeout)
        if running.over:
            raise Failed(Outcome(delivered=False, reason="timeout", retry=True))
        return nullcontext(running)


def judge(status: int, retry_after: str, now: datetime) -> Outcome:
    """What a status code means: 2xx is delivered, 5xx, 408, 425 and 429 are worth another try."""
    if 200 <= status < 300:
        return DELIVERED
    retry = status >= 500 or status in _PASSING
    return Outcome(
        delivered=False,
        reason="throttled" if status == _THROTTLED else f"status {status}",
        retry=retry,
        retry_after=_asked(retry_after, now) if retry else None,
        unclear=status in _HALF_DONE,
    )


def redacted(url: str) -> str:
    """Scheme, host and port of `url`; what may be secret is left out."""
    parts = urlsplit(url)
    port = f":{parts.port}" if parts.port else ""
    return f"{parts.scheme}://{parts.hostname}{port}/…"


def _asked(retry_after: str, now: datetime) -> timedelta | None:
    """How long the receiver wants to be left alone: seconds, or until a date (RFC 9110, 10.2.3)."""
    if retry_after.isascii() and retry_after.isdecimal():
        return timedelta(seconds=min(int(retry_after[:10]), 86_400 * 365))
    try:
        until = parsedate_to_datetime(retry_after)
    except (ValueError, IndexError, OverflowError):
        return None
    aware = until if until.tzinfo else until.replace(tzinfo=UTC)
    return max(aware - now, timedelta(0))


def _watching(limit: TimeLimit) -> Callable[[str, Mapping[str, Any]], None]:
    def trace(event: str, detail: Mapping[str, Any]) -> None:
        if event.endswith("connect_tcp.complete"):
            limit.watch(detail["return_value"].get_extra_info("socket"))

    return trace


def _read(response: httpx.Response) -> Answer:
    body = b""
    for part in response.iter_bytes():
        body += part
        if len(body) > _LONGEST_ANSWER:
            break
    return Answer(
        status=response.status_code,
        retry_after=response.headers.get("retry-after", "").strip(),
        body=body[:_LONGEST_ANSWER],
    )


def _failure(error: Exception, limit: TimeLimit) -> Outcome:
    reason = "timeout" if limit.over else _named(error)
    return Outcome(
        delivered=False,
        reason=reason,
        retry=reason != "bad configuration",
        unclear=reason in _UNCLEAR,
    )


def _named(error: Exception) -> str:
    match error:
        case httpx.TimeoutException():
            return "timeout"
        case _ if _of_tls(error):
            return "tls"
        case httpx.ProxyError():
            return "proxy"
        case httpx.ConnectError():
            return "connection"
        case httpx.NetworkError() | httpx.RemoteProtocolError():
            return "cut off"
        case httpx.UnsupportedProtocol() | httpx.LocalProtocolError():
            return "bad configuration"  # a secret that cannot stand in a header
        case httpx.HTTPError():
            return "no HTTP answer"
    return "bad configuration"  # the same of a header, or an address


def _of_tls(error: BaseException | None) -> bool:
    while error is not None:
        if isinstance(error, ssl.SSLError):
            return True
        error = error.__cause__ or error.__context__
    return False


class _Redaction(logging.Filter):
    """httpx logs the full URL of every request at level info."""

    def filter(self, record: logging.LogRecord) -> bool:
        if isinstance(record.args, tuple):
            record.args = tuple(
                redacted(str(part)) if isinstance(part, httpx.URL) else part for part in record.args
            )
        return True


logging.getLogger("httpx").addFilter(_Redaction())
