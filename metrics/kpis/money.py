"""Amounts in the currency that sums are reported in, each by the rate of its own day.

Every amount is converted by itself, exactly, and rounded once to two decimal places, half to even;
sums add what was rounded. So the parts of a sum add up to it, and a case adds what it says.
What has no rate stands apart in its own currency.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from fractions import Fraction

import polars as pl

from threadline.model.kpis import MoneyPart
from threadline.model.rates import RateTable

COUNTED_IN, STATED, DAY = "counted_in", "stated", "rated_on"
HIDDEN = (COUNTED_IN, STATED, DAY, "rated_at")
EXACT = pl.Decimal(38, 2)


def reported(rows: pl.DataFrame, table: RateTable | None, now: datetime) -> pl.DataFrame:
    """A population of money with `amount` in the currency `counted_in`, and as it was `stated`.

    `rated_on` is the day whose rate converts: that of the row's `rated_at`, else the one of `now`.
    """
    rows = rows.with_columns(
        pl.col("currency").fill_null(""), pl.col("amount").cast(EXACT).alias(STATED)
    )
    if table is None:
        day, counted = pl.lit(None, pl.Date()), "currency"
        return rows.with_columns(pl.col(counted).alias(COUNTED_IN), day.alias(DAY))
    at = [None] * rows.height if "rated_at" not in rows.columns else rows["rated_at"].to_list()
    days = [table.day(instant or now) for instant in at]
    amounts, counted_in = _converted(rows, days, table)
    return rows.with_columns(
        pl.Series("amount", amounts, EXACT),
        pl.Series(COUNTED_IN, counted_in, pl.String()),
        pl.Series(DAY, days, pl.Date()),
    )


def parts(rows: pl.DataFrame, table: RateTable | None) -> tuple[MoneyPart, ...]:
    """What the rows of a sum were stated in, and the rates that converted it, by currency."""
    found: dict[str, list[tuple[Decimal, Decimal, date | None]]] = defaultdict(list)
    told = rows.filter(pl.col("amount").is_not_null(), pl.col("currency") != "")
    for currency, *amounts in told.select("currency", STATED, "amount", DAY).iter_rows():
        found[currency].append(tuple(amounts))
    return tuple(_part(currency, found[currency], table) for currency in sorted(found))


def unrated(
    table: RateTable | None,
    currency: str,
    whole: Mapping[str, str],
    cut: Sequence[tuple[Mapping[str, str], pl.DataFrame]],
) -> str:
    """What stands apart, for want of a rate, from what is counted in the reporting currency.

    `cut` has all groups by their dimensions; `whole` are those of the sum in `currency`.
    """
    if table is None or not currency:
        return ""
    if currency != table.into:
        return f"no rate into {table.into} holds, so it stands apart"
    hits = {
        dimensions[COUNTED_IN]: group["hit"].sum()
        for dimensions, group in cut
        if without_unit(dimensions) == whole
    }
    apart = [f"{n} in {name}" for name, n in hits.items() if n and name not in ("", currency)]
    return f"no rate into {currency}, so apart: {', '.join(apart)}" if apart else ""


def without_unit(dimensions: Mapping[str, str]) -> dict[str, str]:
    """Dimensions but for what a sum is counted in."""
    return {name: value for name, value in dimensions.items() if name != COUNTED_IN}


def _part(
    currency: str, told: list[tuple[Decimal, Decimal, date | None]], table: RateTable | None
) -> MoneyPart:
    conversions = [
        table.conversion(currency, day)
        for day in sorted({day for *_, day in told if day})
        if table and currency != table.into
    ]
    rates = {rate: None for one in conversions if one for rate in one.rates}
    return MoneyPart(
        currency=currency,
        amount=sum((stated for stated, *_ in told), Decimal("0.00")),
        value=sum((value for _, value, _ in told), Decimal("0.00")),
        n=len(told),
        rates=tuple(rates),
    )


def _converted(
    rows: pl.DataFrame, days: list[date], table: RateTable
) -> tuple[list[Decimal | None], list[str]]:
    factors: dict[tuple[str, date], Fraction | None] = {}
    amounts, counted_in = rows[STATED].to_list(), rows["currency"].to_list()
    for place, key in enumerate(zip(counted_in, days, strict=True)):
        if key[0] in ("", table.into):
            continue
        if key not in factors:
            found = table.conversion(*key)
            factors[key] = found.factor if found else None
        factor = factors[key]
        if factor is not None:
            amount, counted_in[place] = amounts[place], table.into
            amounts[place] = None if amount is None else _times(amount, factor)
    return amounts, counted_in


def _times(amount: Decimal, factor: Fraction) -> Decimal:
    cents = round(Fraction(amount) * factor * 100)  # Python rounds half to even
    return Decimal(cents).scaleb(-2)
