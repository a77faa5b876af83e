"""Where notifications go."""

from __future__ import annotations

from pydantic import Field

from threadline.wire.values import Instant, Shape


class Receiver(Shape):
    """One receiver, `policy/name`; what it `lacks` are variables, without which it is left out.

    It gets at most `limit` notifications in `per_seconds`, then a digest. Of the last day: when
    something arrived last, how many are `waiting`, and the `failure` of the last attempt, if any.
    """

    name: str
    type: str
    limit: int | None = None
    per_seconds: float | None = None
    fallback: list[str] = Field(default_factory=list)
    lacks: list[str] = Field(default_factory=list)
    delivered_at: Instant | None = None
    waiting: int = 0
    failure: str = ""


class ReceiverTrial(Shape):
    """How a test went; `passing`: trying again may help, without changing the configuration."""

    receiver: str
    delivered: bool
    failure: str
    passing: bool
