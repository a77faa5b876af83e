"""Attributes that have a master: what each system says of them, and where a copy differs."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from threadline.wire.values import Instant, Money, Shape

MismatchState = Literal["open", "within", "closed", "unknown"]


class Said(Shape):
    """A value that a system has held since `at`, and the fact that told it first."""

    value: str
    currency: str
    at: Instant
    fact_id: str


class Holder(Shape):
    """A system that masters an attribute or holds a copy; `now` is None if it never told one."""

    system: str
    mastered: bool
    now: Said | None
    before: list[Said] = Field(default_factory=list)  # latest first


class MasteredAttribute(Shape):
    """One mastered attribute of one object: the master, then the copies.

    A copy may differ from the master for `within_seconds`, its propagation time.
    """

    object_id: str
    attribute: str
    within_seconds: float
    holders: list[Holder]

    @property
    def compared(self) -> bool:
        """Whether more than one system has told a value."""
        return sum(holder.now is not None for holder in self.holders) > 1


class MismatchCount(Shape):
    """How many copies of an attribute in a system are in a state, and their differences in money,
    without regard to direction, by currency.
    """

    attribute: str
    system: str
    state: MismatchState
    count: int
    worth: list[Money]


class Mismatch(Shape):
    """A copy that differs from its master, as of the last word of both.

    `within`: it may, until `due_at`; `open`: it may no longer; `closed`: it did for longer than it
    may, until `until`; `unknown`: one of the two systems is silent. `difference` is the money at
    stake of an amount, None where there is none or the currencies differ.
    """

    contract: str
    number: str
    object_id: str
    attribute: str
    state: MismatchState
    since: Instant
    due_at: Instant
    until: Instant | None
    master: str
    mastered: Said
    system: str
    copied: Said
    difference: Money | None
