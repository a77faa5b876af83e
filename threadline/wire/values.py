"""What every answer is made of: instants, money, pages.

Instants are timezone-aware and written as RFC 3339 in UTC. Money is decimal, written as text, and
always beside its currency.
"""

from __future__ import annotations

from datetime import UTC
from decimal import Decimal
from typing import Annotated, Generic, TypeVar

from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict

T = TypeVar("T")
Instant = Annotated[AwareDatetime, AfterValidator(lambda at: at.astimezone(UTC))]


class Shape(BaseModel):
    """A frozen answer."""

    model_config = ConfigDict(frozen=True)


class Money(Shape):
    """An amount in one currency; amounts of different currencies are never added."""

    amount: Decimal
    currency: str


class Page(Shape, Generic[T]):
    """Part of a list; `next` is the cursor of the following part, None on the last."""

    items: list[T]
    next: str | None = None
