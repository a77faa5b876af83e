"""Reading and inflating bodies, never holding more than the limit."""

from __future__ import annotations

import zlib
from collections.abc import AsyncIterable

from collector.intake.refusals import Malformed, TooLarge

_GZIP = 16 + zlib.MAX_WBITS


async def collected(chunks: AsyncIterable[bytes], declared: str, limit: int) -> bytes:
    """The whole body; raises `TooLarge` as soon as it, or the size it declares, is over `limit`."""
    if declared.isdecimal() and int(declared) > limit:
        raise TooLarge.beyond(limit)
    parts, size = [], 0
    async for chunk in chunks:
        size += len(chunk)
        if size > limit:
            raise TooLarge.beyond(limit)
        parts.append(chunk)
    return b"".join(parts)


def content(body: bytes, encoding: str, limit: int) -> bytes:
    """The body without its content encoding.

    Inflates no further than `limit` bytes: `TooLarge` beyond them, `Malformed` when it is not one
    whole gzip member.
    """
    if encoding != "gzip":
        return body
    inflater = zlib.decompressobj(_GZIP)
    try:
        inflated = inflater.decompress(body, limit + 1)
    except zlib.error as error:
        raise Malformed(f"the body is not gzip: {error}") from error
    if len(inflated) > limit:
        raise TooLarge.beyond(limit)
    if not inflater.eof:
        raise Malformed("the body is not gzip: it ends too early")
    if inflater.unused_data:
        raise Malformed("the body is not one gzip member: something follows its end")
    return inflated
