"""Silences and maintenance windows: what is told to nobody, and until when."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from threadline.wire.incidents import Incident
from threadline.wire.values import Instant, Shape


class Matcher(Shape):
    """A condition on a label of incidents; patterns (`=~`, `!~`) are RE2's, for the whole value."""

    label: str
    op: Literal["=", "!=", "=~", "!~"]
    value: str


class Silence(Shape):
    """Incidents that all `matchers` hold for are told to nobody from `starts_at` until `until`.

    The window of a `maintenance` is the one that is open, or the next; it has no `made_at`, and
    ends with its definition. A silence may have been ended before its `ends_at`.
    """

    id: str
    source: Literal["silence", "maintenance"]
    state: Literal["pending", "active", "expired"]
    matchers: list[Matcher]
    starts_at: Instant
    ends_at: Instant
    until: Instant
    who: str
    comment: str
    made_at: Instant | None
    ended_at: Instant | None
    ended_by: str


class SilenceRequest(Shape):
    """A silence to be made: from now on unless it `starts_at` another time, for 90 days at most."""

    matchers: list[Matcher]
    starts_at: Instant | None = None
    ends_at: Instant
    comment: str = Field(min_length=1, max_length=4000)
    actor: str = Field("api", min_length=1, max_length=200)


class SilencePreviewRequest(Shape):
    """Matchers that a silence would have."""

    matchers: list[Matcher]


class SilencePreview(Shape):
    """How many live incidents a silence would mute, and the most urgent of them."""

    count: int
    items: list[Incident]
