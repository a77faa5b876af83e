"""What money of one currency is worth in another, from which day on."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from functools import cached_property
from zoneinfo import ZoneInfo


@dataclass(frozen=True, kw_only=True)
class Rate:
    """From `on` on, one unit of `one` is `rate` units of `other`."""

    on: date
    one: str
    other: str
    rate: Decimal


@dataclass(frozen=True, kw_only=True)
class Conversion:
    """What an amount is multiplied by, exactly, and the rates that say so."""

    factor: Fraction
    rates: tuple[Rate, ...]


@dataclass(frozen=True, kw_only=True)
class RateTable:
    """Rates into the currency that sums are reported in.

    Of a pair the last rate on or before a day holds, and no longer than `stale_after`; days are
    those of `zone`. What has no rate into the reporting currency itself goes by way of `base`,
    where the table names one, and by no other way.
    """

    into: str
    zone: ZoneInfo
    stale_after: timedelta
    rates: tuple[Rate, ...]
    base: str = ""
    source: str = ""

    def day(self, at: datetime) -> date:
        """The day whose rates convert what has to do with that instant."""
        return at.astimezone(self.zone).date()

    def conversion(self, currency: str, day: date) -> Conversion | None:
        """From `currency` into the reporting one on that day; None where no rate holds."""
        ways = [[(currency, self.into)]]
        if self.base and self.base not in (currency, self.into):
            ways.append([(currency, self.base), (self.base, self.into)])
        for way in ways:
            legs = [self._leg(one, other, day) for one, other in way]
            known = [leg for leg in legs if leg]
            if len(known) == len(legs):
                return _chained(known)
        return None

    def _leg(self, one: str, other: str, day: date) -> Conversion | None:
        """A pair is quoted one way only; the other way it is divided by."""
        for pair, inverse in (((one, other), False), ((other, one), True)):
            for rate in self._quoted.get(pair, ()):
                if rate.on <= day:
                    factor = 1 / Fraction(rate.rate) if inverse else Fraction(rate.rate)
                    held = day - rate.on <= self.stale_after
                    return Conversion(factor=factor, rates=(rate,)) if held else None
        return None

    @cached_property
    def _quoted(self) -> dict[tuple[str, str], list[Rate]]:
        """The rates of each pair, the last first."""
        found: dict[tuple[str, str], list[Rate]] = {}
        for rate in sorted(self.rates, key=lambda rate: rate.on, reverse=True):
            found.setdefault((rate.one, rate.other), []).append(rate)
        return found


def _chained(legs: list[Conversion]) -> Conversion:
    factor = Fraction(1)
    for leg in legs:
        factor *= leg.factor
    return Conversion(factor=factor, rates=tuple(_rates(legs)))


def _rates(legs: list[Conversion]) -> Iterator[Rate]:
    for leg in legs:
        yield from leg.rates
