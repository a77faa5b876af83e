"""The path a journey's cases have taken, beside the one that is defined.

An act is a step's name where it closed the step, `<step>:failed` where it failed it; `start` comes
before the first. Seconds are elapsed time.
"""

from __future__ import annotations

from typing import Literal

from threadline.wire.values import Instant, Shape


class PathStep(Shape):
    """A defined step: what it waits for, who waits at it now, and how long its hop took."""

    step: str
    title: str
    system: str
    after: list[str]
    waiting: int  # live cases of the window whose current step it is
    late: int  # of those, past the deadline of the step or of the case
    closed: int
    failed: int  # cases in which it failed at least once
    median_seconds: float | None  # from when it could begin to its closing
    p90_seconds: float | None


class PathNode(Shape):
    """An act that was seen: in how many cases, how often, in how many as the first or last."""

    act: str
    title: str
    cases: int
    count: int
    first: int
    last: int


class PathEdge(Shape):
    """One act directly after another; `standing` is what the definition says of it."""

    before: str
    act: str
    cases: int
    count: int
    median_seconds: float
    p90_seconds: float
    standing: Literal["defined", "parallel", "skips", "against", "failure"]


class PathVariant(Shape):
    """A whole path and the cases that took exactly it; `deviates` where an edge of it does."""

    path: list[str]
    cases: int
    share: float
    example: str  # a case of it
    deviates: bool


class Paths(Shape):
    """What the cases started in `[start, end)` have done by `as_of`; the most frequent first.

    `variants_total` counts those left out of `variants`, too. `deviating`: cases with at least one
    edge that skips, goes against the order or fails; `annotations`: of how many cases each is said.
    """

    journey: str
    title: str
    start: Instant
    end: Instant
    as_of: Instant
    cases: int
    deviating: int
    annotations: dict[str, int]
    steps: list[PathStep]
    nodes: list[PathNode]
    edges: list[PathEdge]
    variants: list[PathVariant]
    variants_total: int
