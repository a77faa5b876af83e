"""What no sender gets past, whatever the application: sizes, times, and hosts by name."""

from __future__ import annotations

import asyncio
import json
from asyncio import TimerHandle, Transport
from collections.abc import Callable
from http import HTTPStatus
from typing import Any, ClassVar

from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from threadline.networks import is_loopback
from threadline.sections import USUAL, LimitsSettings

_LINGER_BYTES, _LINGER_SECONDS = 1024 * 1024, 2.0


class HeadBounds(HttpToolsProtocol):
    """uvicorn's protocol, which by itself waits for a head of any size for ever."""

    limits: ClassVar[LimitsSettings] = USUAL
    _timer: TimerHandle | None = None
    _head_bytes = 0
    _in_head = True

    def connection_made(self, transport: Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._await_head()

    def connection_lost(self, exc: Exception | None) -> None:
        self._stop_waiting()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        if self._in_head:
            self._head_bytes += len(data)
            if self._timer is None:
                self._await_head()
        super().data_received(data)
        if self._in_head and self._head_bytes > self.limits.head_bytes:
            self._cut(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE)

    def on_headers_complete(self) -> None:
        self._in_head = False
        self._stop_waiting()
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        super().on_message_complete()
        self._in_head, self._head_bytes = True, 0

    def _await_head(self) -> None:
        late = HTTPStatus.REQUEST_TIMEOUT
        self._timer = self.loop.call_later(self.limits.head_seconds, lambda: self._cut(late))

    def _stop_waiting(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _cut(self, status: HTTPStatus) -> None:
        self._stop_waiting()
        line = f"HTTP/1.1 {status.value} {status.phrase}\r\n"
        self.transport.write(f"{line}connection: close\r\ncontent-length: 0\r\n\r\n".encode())
        self.transport.close()


def protocol(limits: LimitsSettings) -> type[HttpToolsProtocol]:
    """The protocol with these limits: uvicorn makes one for each connection, without arguments."""
    return type("Bounded", (HeadBounds,), {"limits": limits})


class Bounds:
    """Around an application: heads and bodies within `limits`, answers that end what is refused.

    While `only_loopback()` holds, a request has to name this machine as its host: else a page of
    any site, its name pointed here, could ask in the name of who reads it.
    """

    def __init__(
        self, app: ASGIApp, limits: LimitsSettings, only_loopback: Callable[[], bool]
    ) -> None:
        self._app, self._limits, self._only_loopback = app, limits, only_loopback

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        exchange = _Exchange(self._limits, receive, send)
        if refused := self._refused(scope):
            await exchange.refuse(*refused)
        else:
            await exchange.run(self._app, scope)

    def _refused(self, scope: Scope) -> tuple[HTTPStatus, str] | None:
        headers: list[tuple[bytes, bytes]] = scope["headers"]
        size = len(scope.get("raw_path") or b"") + len(scope.get("query_string") or b"")
        size += sum(len(name) + len(value) for name, value in headers)
        if size > self._limits.head_bytes:
            said = f"the head has {size} bytes; {self._limits.head_bytes} are taken"
            return HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE, said
        host = next((value for name, value in headers if name == b"host"), b"").decode("latin-1")
        if self._only_loopback() and host and not is_loopback(_name(host)):
            said = f"host {host[:200]!r} is not this machine; without tokens only loopback is"
            return HTTPStatus.MISDIRECTED_REQUEST, said
        return None


class _Exchange:
    """One request and its answer."""

    def __init__(self, limits: LimitsSettings, receive: Receive, send: Send) -> None:
        self._limits, self._receive, self._send = limits, receive, send
        self._until = asyncio.get_running_loop().time() + limits.body_seconds
        self._whole = self._late = self._started = False

    async def run(self, app: ASGIApp, scope: Scope) -> None:
        try:
            await app(scope, self._bounded_receive, self._bounded_send)
        except ClientDisconnect:
            if not self._late:
                raise
        if self._late and not self._started:
            said = "the body took too long to arrive; send it again, faster or in parts"
            await self.refuse(HTTPStatus.REQUEST_TIMEOUT, said)

    async def refuse(self, status: HTTPStatus, detail: str) -> None:
        """A problem document that ends the connection."""
        problem = {"type": "about:blank", "title": status.phrase, "status": status.value}
        body = json.dumps(problem | {"detail": detail}).encode()
        headers = [
            (b"content-type", b"application/problem+json"),
            (b"content-length", str(len(body)).encode()),
            (b"connection", b"close"),
        ]
        start = {"type": "http.response.start", "status": status.value, "headers": headers}
        await self._send(start)
        await self._send({"type": "http.response.body", "body": body})

    async def _bounded_receive(self) -> Message:
        if self._whole:  # what may come now is only the sender going away
            return await self._receive()
        now = asyncio.get_running_loop().time()
        try:
            async with asyncio.timeout_at(min(self._until, now + self._limits.idle_seconds)):
                message = await self._receive()
        except TimeoutError:
            self._late = True
            return {"type": "http.disconnect"}
        self._whole = message["type"] != "http.request" or not message.get("more_body", False)
        return message

    async def _bounded_send(self, message: Message) -> None:
        if self._late and not self._started:
            return  # what the application says to a sender gone away; `run` says what happened
        if message["type"] == "http.response.start":
            if not self._whole and not await self._lingered():
                message = _ending(message)
            self._started = True
        await self._send(message)

    async def _lingered(self) -> bool:
        """Read on a little after an early answer, so that it is not lost in a broken line."""
        size = 0
        try:
            async with asyncio.timeout(_LINGER_SECONDS):
                while not self._whole and size <= _LINGER_BYTES:
                    message = await self._receive()
                    size += len(message.get("body", b""))
                    self._whole = not message.get("more_body", False)
        except TimeoutError:
            return False
        return self._whole


def _ending(message: Message) -> Message:
    headers: list[Any] = [*message.get("headers", []), (b"connection", b"close")]
    return {**message, "headers": headers}


def _name(host: str) -> str:
    """`[::1]:80` and `localhost:80` without the port."""
    if host.startswith("["):
        return host.partition("]")[0].removeprefix("[")
    return host.partition(":")[0]
