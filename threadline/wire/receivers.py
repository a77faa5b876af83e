"""Where notifications go."""

from __future__ import annotations

from pydantic import Field

from threadline.wire.values import Shape


class Receiver(Shape):
    """One receiver, `policy/name`; what it `lacks` are variables, without which it is left out.

    It gets at most `limit` notifications in `per_seconds`, then a digest.
    """

    name: str
    type: str
    limit: int | None = None
    per_seconds: float | None = None
    fallback: list[str] = Field(default_factory=list)
    lacks: list[str] = Field(default_factory=list)


class ReceiverTrial(Shape):
    """How a test went; `passing`: trying again may help, without changing the configuration."""

    receiver: str
    delivered: bool
    failure: str
    passing: bool
