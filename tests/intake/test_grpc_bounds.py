"""Port 4317 against senders that never end, and with TLS."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine
from pathlib import Path
from typing import Any

import grpc
import pytest
from prometheus_client import CollectorRegistry
from tls_pair import self_signed

from collector.intake.counts import IntakeCounts
from collector.intake.grpc import serve
from threadline.clock import SystemClock
from threadline.sections import PLAIN, LimitsSettings, TlsSettings
from threadline.settings import IntakeSettings, LogSettings
from threadline.store.log import Log

EXPORT = "/opentelemetry.proto.collector.trace.v1.TraceService/Export"
# Short, because a test that shows that a slow sender is cut off has to wait for it.
LIMITS = LimitsSettings(head_seconds=0.3, body_seconds=0.5)


@pytest.fixture
def with_port(tmp_path: Path) -> Callable[..., None]:
    """Runs a coroutine function against a server's port."""

    async def run(asked: Callable[[int], Coroutine[Any, Any, None]], tls: TlsSettings) -> None:
        log = Log.open(LogSettings(dir=tmp_path / "log"), SystemClock())
        room = {"clock": SystemClock(), "counts": IntakeCounts(CollectorRegistry())}
        settings = IntakeSettings(grpc="127.0.0.1:0")
        server = await serve(log, settings, tls=tls, limits=LIMITS, **room)
        try:
            await asyncio.wait_for(asked(server.port), 30)
        finally:
            await server.stop(0)
            log.close()

    return lambda asked, tls=PLAIN: asyncio.run(run(asked, tls))


async def never() -> AsyncIterator[bytes]:
    """A message whose head was sent and whose body does not come."""
    await asyncio.Event().wait()
    yield b""


def test_messages_that_never_come_are_cut_off_while_others_are_served(with_port):
    async def attack(port: int) -> None:
        async with grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel:
            slow = [channel.stream_unary(EXPORT)(never()) for _ in range(50)]
            await slow[0].wait_for_connection()
            async with grpc.aio.insecure_channel(f"127.0.0.1:{port}") as other:
                assert await other.unary_unary(EXPORT)(b"", timeout=10) == b""
            codes = await asyncio.gather(*(call.code() for call in slow))
        assert set(codes) == {grpc.StatusCode.UNAVAILABLE}

    with_port(attack)


def test_a_line_that_says_nothing_is_cut_off(with_port):
    async def attack(port: int) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        while await reader.read(4096):
            pass  # its settings; then it hangs up
        writer.close()

    with_port(attack)


def test_an_exporter_goes_on_over_a_new_line_when_its_old_one_is_too_old(with_port):
    async def export(port: int) -> None:
        async with grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel:
            call = channel.unary_unary(EXPORT)
            until = asyncio.get_running_loop().time() + 2.5 * LIMITS.body_seconds
            while asyncio.get_running_loop().time() < until:
                assert await call(b"", timeout=10) == b""

    with_port(export)


def test_with_a_certificate_it_speaks_tls_and_nothing_else(with_port, tmp_path: Path):
    pair = self_signed(tmp_path)
    trusted = grpc.ssl_channel_credentials(pair.certificate.read_bytes())

    async def ask(port: int) -> None:
        where = f"localhost:{port}"
        async with grpc.aio.secure_channel(where, trusted) as channel:
            assert await channel.unary_unary(EXPORT)(b"", timeout=10) == b""
        for channel in (
            grpc.aio.insecure_channel(where),
            grpc.aio.secure_channel(where, grpc.ssl_channel_credentials()),
        ):
            async with channel:
                call = channel.unary_unary(EXPORT)(b"", timeout=10)
                assert await call.code() == grpc.StatusCode.UNAVAILABLE

    with_port(ask, pair)
