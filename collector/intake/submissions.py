"""What a sender hands in, and what a signal makes of it."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field

from collector.intake.media import JSON, Media
from threadline.model.entries import EntryKind


@dataclass(frozen=True, kw_only=True)
class Submission:
    """One request as received, its body still encoded; `headers` are those its meaning needs."""

    content_type: str
    content_encoding: str
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""

    @property
    def media(self) -> Media:
        """What the body says it is."""
        return Media.parse(self.content_type)


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """How many items of an accepted request will end as dead letters, and why."""

    rejected: int = 0
    message: str = ""


ACCEPTED = Verdict()


@dataclass(frozen=True, kw_only=True)
class Signal:
    """A kind of input: how it is admitted, judged and answered.

    `admit` raises `Unsupported` for content types that are not read here. `judge` gets the
    submission and its decoded content and raises `Malformed`. `answer` gives the body of a 200 in
    one of `answer_types`: the type of the request where it is among them, else JSON.
    """

    name: str
    kind: EntryKind
    answer_types: Collection[str]
    admit: Callable[[Submission], None]
    judge: Callable[[Submission, bytes], Verdict]
    answer: Callable[[str, Verdict], bytes]

    def answer_type(self, requested: Media) -> str:
        """The media type of answers, refusals included, to a request of type `requested`."""
        return requested.type if requested.type in self.answer_types else JSON
