"""Answers leave at once."""

from __future__ import annotations

import asyncio
import socket

from threadline.serving import listen


def test_an_answer_in_two_writes_does_not_wait_for_an_acknowledgement() -> None:
    assert asyncio.run(_delays()) == [0]


async def _delays() -> list[int]:
    """Whether each accepted connection collects small writes (Nagle's algorithm)."""
    found: list[int] = []

    async def answer(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        accepted = writer.get_extra_info("socket")
        found.append(int(not accepted.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)))
        writer.close()

    bound = listen("127.0.0.1:0", "a test", "api.listen")
    async with await asyncio.start_server(answer, sock=bound):
        reader, writer = await asyncio.open_connection(*bound.getsockname())
        await reader.read()
        writer.close()
    return found
