"""Rotas: who is on duty, until when, and who follows."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from threadline.wire.values import Instant, Shape


class Override(Shape):
    """Somebody who is on duty instead; `number` names it. It may have been ended early."""

    number: int
    member: str
    starts_at: Instant
    ends_at: Instant
    until: Instant
    who: str
    why: str
    made_at: Instant | None
    ended_at: Instant | None
    ended_by: str


class OverrideRequest(Shape):
    """Put `member` on duty: from now on unless it `starts_at` another time, for 90 days at most."""

    member: str = Field(min_length=1, max_length=100)
    starts_at: Instant | None = None
    ends_at: Instant
    why: str = Field(min_length=1, max_length=4000)
    actor: str = Field("api", min_length=1, max_length=200)


class Shift(Shape):
    """Who is on duty from `since` on, where they are told, and what says so.

    `until` is when it is somebody else's; null: nothing changes for 100 days.
    """

    since: Instant
    until: Instant | None
    members: list[str]
    receivers: list[str]
    by: Literal["override", "calendar", "layer", "nobody"]


class RotaMember(Shape):
    """Somebody who can be on duty, and where they are told."""

    name: str
    receivers: list[str]


class Rota(Shape):
    """A rota at an instant: who is on duty then and who follows, in `text` as in `shifts`.

    `overrides` are those that people decided and that are not over.
    """

    name: str
    title: str
    zone: str
    text: str
    members: list[RotaMember]
    shifts: list[Shift]
    overrides: list[Override]
