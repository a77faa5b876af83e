"""HTTP servers on sockets that are bound before anything else starts."""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress

import uvicorn
from fastapi import FastAPI

from threadline.bounds import Bounds, protocol
from threadline.errors import SettingsError
from threadline.sections import PLAIN, USUAL, LimitsSettings, TlsSettings
from threadline.settings import Settings, host_and_port

GRACE_SECONDS = 10


class _Server(uvicorn.Server):
    """Signals belong to the composition root; a server only serves."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


def listen(address: str, what: str, setting: str) -> socket.socket:
    """A listening socket; raises `SettingsError` naming an address that is taken."""
    host, port = host_and_port(address)
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # asyncio turns off Nagle's algorithm only on sockets that say they are TCP; with it, an answer
    # in two writes waits 40 ms for the receiver's delayed acknowledgement.
    bound = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        bound.bind((host, port))
    except OSError as error:
        bound.close()
        variable = "THREADLINE_" + setting.upper().replace(".", "__")
        raise SettingsError(
            f"{address} for {what} cannot be used ({error.strerror}): stop the program that has it,"
            f" or set {setting} ({variable}) to another address"
        ) from error
    bound.listen(2048)
    return bound


def require_free(settings: Settings) -> None:
    """Raise `SettingsError` unless every address of service and dashboards can be listened on."""
    for address, what, setting in (
        (settings.intake.http, "intake over HTTP", "intake.http"),
        (settings.intake.grpc, "intake over gRPC", "intake.grpc"),
        (settings.api.listen, "the API", "api.listen"),
        (settings.dashboards.listen, "the dashboards", "dashboards.listen"),
    ):
        listen(address, what, setting).close()


def _load(config: uvicorn.Config) -> None:
    try:
        config.load()
    except (OSError, ssl.SSLError) as error:
        raise SettingsError(
            f"settings tls.certificate and tls.key are no pair that can be read: {error}"
        ) from error


@asynccontextmanager
async def serve_http(
    app: FastAPI,
    bound: socket.socket,
    *,
    limits: LimitsSettings = USUAL,
    tls: TlsSettings = PLAIN,
    only_loopback: Callable[[], bool] = lambda: True,
) -> AsyncIterator[None]:
    """Serve `app` on `bound`; requests at hand are finished before the socket is given up.

    The socket listens already: who connects before the server is up waits a moment. While
    `only_loopback()` holds, requests that name another host are refused. Raises `SettingsError`
    for a certificate that cannot be read.
    """
    config = uvicorn.Config(
        Bounds(app, limits, only_loopback),
        http=protocol(limits),
        ws="none",
        limit_concurrency=limits.connections,
        ssl_certfile=tls.certificate,
        ssl_keyfile=tls.key,
        proxy_headers=False,  # nothing here goes by what a sender says of its own address
        server_header=False,
        log_level="warning",
        access_log=False,
        lifespan="off",
        timeout_graceful_shutdown=GRACE_SECONDS,
    )
    _load(config)
    server = _Server(config)
    serving = asyncio.create_task(server.serve(sockets=[bound]))
    try:
        yield
    finally:
        server.should_exit = True
        with suppress(asyncio.CancelledError):
            await serving
        bound.close()
