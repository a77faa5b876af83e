"""Errors that some caller treats differently; each names the place and the remedy."""

from __future__ import annotations

from datetime import datetime
from math import ceil
from pathlib import Path


class ThreadlineError(Exception):
    """Base of every error Threadline raises on purpose."""


class DefinitionError(ThreadlineError):
    """A definition or settings file breaks a rule.

    `file`, `line` (1-based) and `key` (dotted path) say where; `rule` says what is asked for.
    """

    def __init__(self, file: Path, line: int, key: str, rule: str) -> None:
        self.file, self.line, self.key, self.rule = file, line, key, rule
        super().__init__(f"{file}:{line}: {key or '(top)'}: {rule}")


class DefinitionErrors(ThreadlineError):
    """All broken rules of one load, so that they can be mended in one go."""

    def __init__(self, errors: list[DefinitionError]) -> None:
        self.errors = errors
        super().__init__("\n".join(str(error) for error in errors))


class SettingsError(ThreadlineError):
    """The service cannot start with these settings."""


class LogUnavailable(ThreadlineError):
    """The log cannot take an entry now; nothing was acknowledged and the sender should retry."""

    def __init__(self, reason: str, retry_after: int = 1) -> None:
        self.reason, self.retry_after = reason, retry_after
        super().__init__(f"the log cannot take input now ({reason}); retry after {retry_after} s")


class TelemetryUnavailable(ThreadlineError):
    """The telemetry store does not answer; the log can rebuild it, so callers say so and wait."""


class QueryFault(TelemetryUnavailable):
    """The telemetry store answers, but not this question: it will not the next time either."""


class TooMuchAtOnce(TelemetryUnavailable):
    """The answer needs more memory than one query may take; half of it may need less."""


class NotFound(ThreadlineError):
    """Nothing is known by this name."""

    def __init__(self, what: str, name: str) -> None:
        self.what, self.name = what, name
        super().__init__(f"no {what} is known as {name!r}")


class BodyDropped(ThreadlineError):
    """An input is kept as it was understood and not any more as it was received."""


class NoMailServer(ThreadlineError):
    """A mail is to be sent and no server is set."""

    def __init__(self) -> None:
        super().__init__(
            "no mail server is set: name it as smtp.host (THREADLINE_SMTP__HOST), and as"
            " smtp.sender the address that mail comes from"
        )


class NotProven(ThreadlineError):
    """Whoever asks has not proved who it is; `reason` says what is wrong with the proof."""

    def __init__(self, reason: str) -> None:
        self.reason = reason
        super().__init__(reason)


class NotAllowed(ThreadlineError):
    """Whoever asks is known and may not do this."""


class ProofUnknown(ThreadlineError):
    """Proofs cannot be judged at the moment; asking again later may help."""


class TooOften(ThreadlineError):
    """A client asks more often than it may; `wait` is in seconds."""

    def __init__(self, per_second: float, wait: float) -> None:
        self.retry_after = max(1, ceil(wait))
        super().__init__(
            f"more than {per_second:g} requests a second by one client; wait {self.retry_after} s"
        )


class OutOfReach(ThreadlineError):
    """Nothing can be said of that past instant, now or later."""


class ViewNotReady(ThreadlineError):
    """What was known at a past instant is being derived; `retry_after` is in seconds."""

    retry_after = 5

    def __init__(self, at: datetime, said: str) -> None:
        super().__init__(f"the view as of {at.isoformat()} {said}; ask again shortly")
