"""Where identifiers that were erased stand in text, found by what is kept of them."""

from __future__ import annotations

from collections.abc import Collection, Iterator

import numpy as np

from threadline.model.erasures import PRIME, Erasure

# Bytes that an identifier goes on with: in `joanna@x.de` nobody called `anna@x.de` is named.
_WORD = frozenset(b"0123456789abcdefghijklmnopqrstuvwxyz_") | frozenset(range(0x80, 0x100))
_BEFORE = _WORD | frozenset(b".-+@")
_AFTER = _WORD | frozenset(b"-@")
_CHUNK = 1 << 18


class Erased:
    """The identifiers of `erasures`, looked for."""

    def __init__(self, erasures: Collection[Erasure]) -> None:
        self._by_length: dict[int, list[Erasure]] = {}
        for one in erasures:
            self._by_length.setdefault(one.length, []).append(one)

    def __bool__(self) -> bool:
        return bool(self._by_length)

    def may_stand_in(self, text: bytes) -> bool:
        """Whether one may; for one body out of 2^64 or so, that it may though it does not."""
        return next(self._candidates(text.lower()), None) is not None

    def replaced(self, text: bytes) -> tuple[bytes, int]:
        """`text` with pseudonyms, and how many there are."""
        plain = text.lower()
        parts: list[bytes] = []
        done = 0
        for start, length in sorted(self._candidates(plain)):
            end = start + length
            if start < done or not _apart(plain, start, end):
                continue
            for one in self._by_length[length]:
                if one.is_of(plain[start:end]):
                    parts += [text[done:start], one.pseudonym.encode()]
                    done = end
                    break
        return b"".join([*parts, text[done:]]), len(parts) // 2

    def _candidates(self, plain: bytes) -> Iterator[tuple[int, int]]:
        """Places and lengths whose fingerprint is that of an identifier."""
        for length, some in self._by_length.items():
            wanted = np.array([one.fingerprint for one in some], dtype=np.uint64)
            for begun in range(0, len(plain) - length + 1, _CHUNK):
                part = plain[begun : begun + _CHUNK + length - 1]
                for place in _places(part, length, wanted):
                    yield begun + place, length


def _places(part: bytes, length: int, wanted: np.ndarray) -> list[int]:
    """Windows of `part` whose fingerprint is one of `wanted`.

    With S the running sum of bytes times powers, the window at i has S[i + length] - S[i], which is
    its fingerprint times the i-th power.
    """
    powers = _POWERS[: len(part)]
    sums = np.zeros(len(part) + 1, dtype=np.uint64)
    np.cumsum(np.frombuffer(part, dtype=np.uint8) * powers, dtype=np.uint64, out=sums[1:])
    windows = sums[length:] - sums[:-length]
    found: set[int] = set()
    for one in wanted:
        found.update(np.flatnonzero(windows == one * powers[: len(windows)]).tolist())
    return sorted(found)


def _apart(plain: bytes, start: int, end: int) -> bool:
    if start and plain[start - 1] in _BEFORE:
        return False
    if end == len(plain) or plain[end] not in _AFTER | {ord(".")}:
        return True
    # A full stop ends a sentence, or goes on as `anna@x.de.example` does.
    return plain[end] == ord(".") and (end + 1 == len(plain) or plain[end + 1] not in _WORD)


_POWERS = np.cumprod(np.full(_CHUNK + 1024, PRIME, dtype=np.uint64)) * np.uint64(
    pow(PRIME, -1, 2**64)
)
