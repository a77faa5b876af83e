"""The audit as a chain: every record's hash covers its content and the hash of the one before."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Protocol

from threadline.errors import ThreadlineError


class Record(Protocol):
    """What the chain is made of."""

    @property
    def number(self) -> int: ...
    @property
    def at(self) -> datetime: ...
    @property
    def who(self) -> str: ...
    @property
    def what(self) -> str: ...
    @property
    def detail(self) -> Mapping[str, Any]: ...
    @property
    def previous(self) -> str: ...
    @property
    def hash(self) -> str: ...


class Tampered(ThreadlineError):
    """A record is not what was written, or one is missing; `number` says where it shows."""

    def __init__(self, number: int, why: str) -> None:
        self.number = number
        super().__init__(f"audit record {number}: {why}")


@dataclass(frozen=True, kw_only=True)
class Head:
    """How long a chain is and the hash it ends with: kept elsewhere, it proves what came before."""

    records: int = 0
    hash: str = ""


def record_hash(
    *, previous: str, at: datetime, who: str, what: str, detail: Mapping[str, Any]
) -> str:
    """SHA-256, hex, over the canonical JSON of the record and the hash before it."""
    content = {
        "previous": previous,
        "at": at.astimezone(UTC).isoformat(timespec="microseconds"),
        "who": who,
        "what": what,
        "detail": detail,
    }
    text = json.dumps(content, sort_keys=True, ensure_ascii=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def verified(records: Iterable[Record], anchor: str = "") -> Head:
    """Follow the chain from its first record; raises `Tampered` at the first break.

    A chain cut off at its end looks whole. `anchor` is the hash of an earlier `Head`: unless a
    record carries it, the chain is not the one that ended with it.
    """
    head, anchored = Head(), not anchor
    for record in records:
        if record.previous != head.hash:
            raise Tampered(record.number, _gap(head))
        told = record_hash(
            previous=record.previous,
            at=record.at,
            who=record.who,
            what=record.what,
            detail=record.detail,
        )
        if told != record.hash:
            raise Tampered(record.number, "its content does not give its hash: it was changed")
        head = Head(records=head.records + 1, hash=record.hash)
        anchored = anchored or record.hash == anchor
    if not anchored:
        raise Tampered(head.records, f"the chain ends without the record {anchor[:16]}…: cut off")
    return head


def _gap(head: Head) -> str:
    if not head.records:
        return "it is not the first, and those before it are missing"
    return f"it does not follow {head.hash[:16]}…: records between were removed, added or reordered"
