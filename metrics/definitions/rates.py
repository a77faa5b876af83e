"""`rates.yaml` as a `RateTable`."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal

from metrics.definitions.durations import duration
from metrics.definitions.faults import Faults
from threadline.definitions import Document
from threadline.model.rates import Rate, RateTable
from threadline.zones import zone

DAY = 86_400


def rate_table(document: Document) -> RateTable:
    """Raises `DefinitionErrors` on impossible dates, rates of nothing, and pairs said twice."""
    raw, faults = document.content, Faults()
    here, stale_after = zone("UTC"), timedelta()
    with faults.at(document, "zone"):
        here = zone(raw.get("zone", "UTC"))
    with faults.at(document, "stale_after"):
        stale_after = _days(raw["stale_after"])
    rates: list[Rate] = []
    for place, text in enumerate(raw["rates"]):
        with faults.at(document, "rates", place):
            rates.append(_rate(text))
    _check_pairs(document, rates, faults)
    faults.raise_any()
    return RateTable(
        into=raw["reporting_currency"],
        zone=here,
        stale_after=stale_after,
        base=raw.get("base", ""),
        source=raw.get("source", ""),
        rates=tuple(rates),
    )


def _days(text: str) -> timedelta:
    length = duration(text)
    if length.business or length.seconds % DAY:
        raise ValueError("rates are of days: say it in whole days, such as '5 days'")
    return timedelta(seconds=length.seconds)


def _rate(text: str) -> Rate:
    day, one, other, rate = text.split()
    if one == other:
        raise ValueError(f"a rate is of two currencies, not from {one} to {one}")
    if not Decimal(rate):
        raise ValueError("a rate is above zero")
    return Rate(on=date.fromisoformat(day), one=one, other=other, rate=Decimal(rate))


def _check_pairs(document: Document, rates: list[Rate], faults: Faults) -> None:
    """Two answers to one question would have to be chosen from."""
    if len(rates) < len(document.content["rates"]):
        return  # places are those of the file only while every line is sound
    first: dict[tuple[date, str, str], int] = {}
    ways: dict[frozenset[str], tuple[str, str]] = {}
    for place, rate in enumerate(rates):
        pair = (rate.one, rate.other)
        known = first.setdefault((rate.on, *pair), place)
        if known != place:
            rule = f"{rate.one} to {rate.other} on {rate.on} is said by rates[{known}] already"
            faults.add(document, ("rates", place), rule)
        if ways.setdefault(frozenset(pair), pair) != pair:
            rule = f"{rate.other} to {rate.one} is quoted above: quote a pair one way only"
            faults.add(document, ("rates", place), rule)
