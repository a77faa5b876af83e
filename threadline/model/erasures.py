"""Identifiers of people whose data were erased, told without the identifiers."""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import dataclass
from datetime import datetime

PRIME = 0x100000001B3  # odd: every power of it has an inverse modulo 2^64
_MASK = 2**64 - 1


@dataclass(frozen=True, kw_only=True)
class Erasure:
    """One identifier that stands nowhere any more, and what stands in its place.

    It is recognised, should it come again, by the length of its lower-case UTF-8, a fingerprint
    that is cheap to look for in a whole body, and a keyed SHA-256 that settles it. `applied_at` is
    None until everything that was kept before is rid of it.
    """

    number: int
    at: datetime
    who: str
    reason: str
    pseudonym: str
    length: int
    fingerprint: int
    key: str  # hex
    digest: str  # hex
    entries: int
    values: int
    applied_at: datetime | None

    def is_of(self, text: bytes) -> bool:
        """Whether lower-case `text` is the identifier."""
        return len(text) == self.length and hmac.compare_digest(
            keyed(bytes.fromhex(self.key), text), self.digest
        )


def lower(identifier: str) -> bytes:
    """An identifier as it is compared: whatever the case of ASCII letters."""
    return identifier.encode().lower()


def keyed(key: bytes, text: bytes) -> str:
    """The keyed hash of lower-case text, hex."""
    return hmac.new(key, text, hashlib.sha256).hexdigest()


def fingerprint(text: bytes) -> int:
    """The sum of bytes times powers of a prime, modulo 2^64."""
    total = 0
    for byte in reversed(text):
        total = (total * PRIME + byte) & _MASK
    return total
