"""The one way in, whatever the protocol: judge, log, then acknowledge."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping

from collector.intake import body
from collector.intake.clearing import Appends
from collector.intake.counts import IntakeCounts
from collector.intake.media import PROTOBUF
from collector.intake.refusals import TooLarge, Unavailable
from collector.intake.submissions import Signal, Submission, Verdict
from threadline.clock import Clock
from threadline.errors import LogUnavailable
from threadline.model.entries import Entry
from threadline.store.log import EntryRefused

# Protobuf is parsed faster than a thread is changed; JSON and inflating take long enough to keep
# other senders waiting.
_QUICK_PROTOBUF_BYTES = 1024 * 1024
_QUICK_BYTES = 64 * 1024

Authenticate = Callable[[Mapping[str, str]], str]


def open_source(_headers: Mapping[str, str]) -> str:
    """The source of every sender where none has to say who it is."""
    return "open"


class Reception:
    """Takes submissions into the log."""

    def __init__(
        self,
        log: Appends,
        limit: int,
        *,
        clock: Clock,
        counts: IntakeCounts,
        authenticate: Authenticate = open_source,
    ) -> None:
        """`limit` is in bytes, of a body as sent and decompressed alike."""
        self.limit, self.counts, self.authenticate = limit, counts, authenticate
        self._log, self._clock = log, clock

    async def take(self, signal: Signal, source: str, submission: Submission) -> Verdict:
        """Judge `submission` and log it as it is; it is durable when this returns.

        Raises a `Refusal` that says why nothing of it was kept.
        """
        received_at = self._clock.now()
        verdict = await self._judged(signal, submission)
        entry = Entry(
            kind=signal.kind,
            source=source,
            content_type=submission.content_type,
            content_encoding=submission.content_encoding,
            headers=submission.headers,
            received_at=received_at,
            body=submission.body,
        )
        try:
            await self._log.append(entry)
        except LogUnavailable as error:
            raise Unavailable(str(error), error.retry_after) from error
        except EntryRefused as error:
            raise TooLarge(str(error)) from error
        self.counts.acknowledge(signal.name, len(submission.body), partial=verdict.rejected > 0)
        return verdict

    async def _judged(self, signal: Signal, submission: Submission) -> Verdict:
        def judge() -> Verdict:
            inflated = body.content(submission.body, submission.content_encoding, self.limit)
            return signal.judge(submission, inflated)

        plain = submission.media.type == PROTOBUF and not submission.content_encoding
        quick = _QUICK_PROTOBUF_BYTES if plain else _QUICK_BYTES
        return judge() if len(submission.body) <= quick else await asyncio.to_thread(judge)
