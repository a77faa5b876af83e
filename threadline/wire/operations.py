"""What the service knows of its own input."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field

from threadline.wire.threads import ThreadFact
from threadline.wire.values import Instant, Shape


class SourceRow(Shape):
    """What a source has sent. `silent` is None when it declares no cadence.

    `orphans` are those of the facts received in the last seven days that lead to no contract.
    """

    source: str
    systems: list[str]
    cadence: str
    requests: int
    facts: int
    duplicates: int
    versions: int
    orphans: int
    dead_letters: int
    annotated: int
    lateness_seconds: float | None  # median of receipt minus event time
    last_received_at: Instant | None
    silent: bool | None


class DeadLetter(Shape):
    """Input that could not be understood, kept with its reason."""

    position: str  # partition-offset of the log entry
    ordinal: int
    kind: str
    source: str
    reason: str
    excerpt: str
    received_at: Instant


class RawInput(Shape):
    """A log entry as received: `text` when the body is text, else `base64`."""

    position: str
    kind: str
    source: str
    content_type: str
    content_encoding: str
    headers: dict[str, str]
    received_at: Instant
    size: int
    text: str | None
    base64: str | None


class FactDetail(Shape):
    """A fact, every version of it, and the input it came in."""

    fact: ThreadFact
    attributes: dict[str, Any]
    versions: int
    identifiers: list[str]
    ordinal: int  # which of the input's facts it is, from 0
    raw: RawInput | None
    raw_missing: str = ""  # why there is no raw input


class Health(Shape):
    """Whether answers are current: everything received before `watermark` is in them."""

    as_of: Instant
    status: Literal["ok", "rebuilding", "unavailable"]
    watermark: Instant | None
    lag_seconds: float | None
    entries_behind: int  # log entries not derived yet
    rebuilding: str = ""  # because
    failing: str = ""  # why derivation does not move
    alerting_waits: str = ""  # for what, before deadlines are judged again
    evaluator: str = ""  # the service that judges deadlines: host/process/run
    disk: str = ""  # how full it is, where that is too full


class Going(Shape):
    """Inputs whose bodies are dropped, or would be; what was understood of them stays."""

    first: int  # offset of the first
    begun: Instant  # when the first was received
    ended: Instant  # and the last
    size: int  # bytes on disk before
    why: str


class Kept(Shape):
    """What is kept on this machine's disk, in bytes, and how long there is room for it."""

    bodies_bytes: int  # inputs as received
    sealed_bytes: int  # inputs as understood, their bodies dropped
    telemetry_bytes: int
    control_bytes: int
    total_bytes: int
    free_bytes: int
    budget_bytes: int | None
    days_left: float | None  # at the rate of the last days; None: not known, or it does not grow
    warning: str
    bodies_days: float | None  # the retention of inputs as received; None: for ever
    contracts_days: float | None  # of contracts after their last case was over
    closes_days: float | None  # of monthly closes
    bodies_since: Instant | None  # receipt of the oldest input that is kept as received
    inputs_since: Instant | None  # receipt of the oldest input
    due: list[Going]  # what goes at the next turn


class RetainRequest(Shape):
    """Who drops what is due, where nobody has to prove who it is; or only what it would be."""

    dry_run: bool = False
    actor: str = Field("api", min_length=1, max_length=200)


class Retained(Shape):
    """What was dropped, or would be."""

    dry_run: bool
    dropped: list[Going]
    contracts: int  # forgotten, as they were over for long enough
    facts: int  # that told of them


class EraseRequest(Shape):
    """Whose data to erase, and why; or only what that would be.

    Identifiers are those of one person or of several: user ids, mail addresses, whatever senders
    call them by.
    """

    identifiers: list[Annotated[str, Field(min_length=4, max_length=500)]] = Field(
        min_length=1, max_length=100
    )
    reason: str = Field(min_length=3, max_length=1000)
    dry_run: bool = False
    actor: str = Field("api", min_length=1, max_length=200)


class Erased(Shape):
    """What was erased, or would be, without saying whom."""

    dry_run: bool
    pseudonyms: list[str]  # what stands in place of each identifier; drawn anew if it is a dry run
    entries: int  # inputs that named one
    places: dict[str, int]  # values replaced, by the name of the attribute


class ErasureRow(Shape):
    """One identifier erased."""

    pseudonym: str
    at: Instant
    who: str
    reason: str
    entries: int
    values: int
    applied_at: Instant | None  # None: what was kept before is not rid of it yet
