"""Messages in a file, where the embedded engine can read them."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Literal

Framing = Literal["protobuf", "lines"]


@contextmanager
def scratch(messages: Sequence[bytes], framing: Framing, directory: Path) -> Iterator[Path]:
    """A file in `directory` with all messages: length-delimited protobuf, or JSON texts on lines.

    The file is gone afterwards. A message that goes on a line must not hold a line feed.
    """
    directory.mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile(dir=directory, prefix="messages-") as file:
        file.writelines(_framed(messages, framing))
        file.flush()
        yield Path(file.name)


def _framed(messages: Sequence[bytes], framing: Framing) -> Iterator[bytes]:
    for message in messages:
        if framing == "protobuf":
            yield _varint(len(message))
            yield message
        else:
            yield message
            yield b"\n"


def _varint(number: int) -> bytes:
    encoded = bytearray()
    while number > 0x7F:
        encoded.append(number & 0x7F | 0x80)
        number >>= 7
    encoded.append(number)
    return bytes(encoded)
