"""Money by the dated rate table: what holds on which day, what stands apart, what may be said."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import polars as pl
import pytest

from metrics.definitions import load, restore
from metrics.derive import Derived
from metrics.derive.rows import CASES, EXCEPTIONS, STEPS
from metrics.kpis import evaluate
from metrics.kpis.money import parts, reported
from threadline.errors import DefinitionErrors
from threadline.model.kpis import Window

TABLE = """\
reporting_currency: EUR
stale_after: 5 days
base: USD
zone: Europe/Berlin
rates:
  - 2026-03-10 EUR USD 1.25
  - 2026-03-18 EUR USD 1.6
  - 2026-03-18 GBP USD 1.28
  - 2026-03-18 CHF EUR 1.0005
  - 2026-03-01 JPY EUR 0.006
"""
MIDNIGHT_IN_BERLIN = datetime(2026, 3, 17, 23, tzinfo=UTC)


def table(tmp_path: Path, old: str = "", new: str = "") -> Path:
    (tmp_path / "rates.yaml").write_text(TABLE.replace(old, new, 1))
    return tmp_path


@pytest.mark.parametrize(
    ("stated", "currency", "at", "amount", "counted_in"),
    [
        ("100.00", "EUR", MIDNIGHT_IN_BERLIN, "100.00", "EUR"),
        ("100.00", "USD", MIDNIGHT_IN_BERLIN, "62.50", "EUR"),  # 1.6 from that instant on
        ("100.00", "USD", datetime(2026, 3, 11, tzinfo=UTC), "80.00", "EUR"),  # 1.25 before
        ("100.00", "USD", datetime(2026, 3, 15, 22, tzinfo=UTC), "80.00", "EUR"),  # 5 days old
        ("100.00", "USD", datetime(2026, 3, 17, 22, tzinfo=UTC), "100.00", "USD"),  # too old
        ("100.00", "USD", datetime(2026, 3, 9, tzinfo=UTC), "100.00", "USD"),  # not yet known
        ("100.00", "GBP", MIDNIGHT_IN_BERLIN, "80.00", "EUR"),  # by way of the base
        ("100.00", "JPY", MIDNIGHT_IN_BERLIN, "100.00", "JPY"),
        ("10.00", "CHF", MIDNIGHT_IN_BERLIN, "10.00", "EUR"),  # 10.005: half to even
        ("30.00", "CHF", MIDNIGHT_IN_BERLIN, "30.02", "EUR"),  # 30.015
        (None, "USD", MIDNIGHT_IN_BERLIN, None, "EUR"),
    ],
)
def test_an_amount_is_worth_what_the_last_rate_of_its_day_says(
    tmp_path, stated, currency, at, amount, counted_in
):
    rates = load(table(tmp_path)).rates
    rows = pl.DataFrame(
        {"amount": [stated and Decimal(stated)], "currency": [currency]},
        schema={"amount": pl.Decimal(18, 2), "currency": pl.String},
    )

    (row,) = reported(rows, rates, at).to_dicts()

    assert (row["amount"], row["counted_in"]) == (amount and Decimal(amount), counted_in)
    assert row["stated"] == (stated and Decimal(stated))


def test_a_sum_says_what_it_was_stated_in_and_which_rates_converted_it(tmp_path):
    rates = load(table(tmp_path)).rates
    rows = pl.DataFrame(
        {
            "amount": [Decimal("100.00"), Decimal("50.00"), Decimal("8.00")],
            "currency": ["GBP", "GBP", "EUR"],
        },
        schema={"amount": pl.Decimal(18, 2), "currency": pl.String},
    )

    euros, pounds = parts(reported(rows, rates, MIDNIGHT_IN_BERLIN), rates)

    assert (euros.currency, euros.amount, euros.value, euros.rates) == ("EUR", 8, 8, ())
    assert (pounds.amount, pounds.value, pounds.n) == (150, 120, 2)
    assert [(rate.one, rate.rate) for rate in pounds.rates] == [
        ("GBP", Decimal("1.28")),
        ("EUR", Decimal("1.6")),
    ]


def test_what_was_activated_holds_the_table_of_then(tmp_path):
    ours = load(table(tmp_path))
    kept = json.loads(json.dumps(dict(ours.content)))

    assert restore(kept).rates == ours.rates
    assert restore({name: kept[name] for name in kept if name != "rates"}).rates is None
    assert load().rates is None
    assert ours.digest == load().digest  # other rates make no case another one


@pytest.mark.parametrize(
    ("old", "new", "key", "rule"),
    [
        ("EUR USD 1.6", "EUR USD -1.6", "rates[1]", "does not match"),
        ("EUR USD 1.6", "EUR USD 0.0", "rates[1]", "above zero"),
        ("EUR USD 1.6", "USD USD 1.6", "rates[1]", "two currencies"),
        ("2026-03-18 EUR", "2026-02-30 EUR", "rates[1]", "day"),
        ("2026-03-18 EUR", "2026-03-10 EUR", "rates[1]", "said by rates[0] already"),
        ("18 GBP USD", "18 USD EUR", "rates[2]", "one way only"),
        ("5 days", "5 business days", "stale_after", "whole days"),
        ("5 days", "5 hours", "stale_after", "whole days"),
        ("Europe/Berlin", "Europe/Paderborn", "zone", "not an IANA time zone"),
        ("base: USD", "based: USD", "", "'based' was unexpected"),
        ("base: USD", "base: usd", "base", "three|does not match"),
    ],
)
def test_a_broken_table_is_refused_with_file_line_key_and_rule(tmp_path, old, new, key, rule):
    with pytest.raises(DefinitionErrors, match=rule.replace("[", r"\[")) as refused:
        load(table(tmp_path, old, new))

    (error,) = refused.value.errors
    assert (Path(error.file).name, error.key) == ("rates.yaml", key)
    changed = TABLE.replace(old, new, 1).splitlines()
    assert not key or new in changed[error.line - 1]


def test_an_invoice_is_worth_what_it_was_when_issued_and_an_amendment_what_it_is_now(tmp_path):
    definitions = load(table(tmp_path))
    issued, now = datetime(2026, 3, 11, tzinfo=UTC), datetime(2026, 3, 19, tzinfo=UTC)
    case = {"root_id": "C", "value": Decimal(100), "currency": "USD", "root_currency": "USD"}
    case |= {"criticality": "", "dimensions": "", "waiting_systems": [], "annotations": []}
    invoice = {"journey": "invoice-to-cash", "case_id": "I-1", "started_at": issued}
    amendment = {"journey": "amendment-sync", "case_id": "A-1", "started_at": issued}
    told = {"journey": "amendment-sync", "case_id": "A-1", "kind": "uncompensated", "at": issued}
    derived = Derived(
        cases=pl.DataFrame([case | invoice, case | amendment], schema=dict(CASES)),
        steps=pl.DataFrame(schema=dict(STEPS)),
        exceptions=pl.DataFrame([told], schema=dict(EXCEPTIONS)),
    )
    window = Window(start=issued, end=now)

    (leaks,) = evaluate(definitions, derived, window=window, now=now, kpis=["revenue-leakage"])

    assert (leaks.value, leaks.unit) == (Decimal("80.00") + Decimal("62.50"), "EUR")
    assert leaks.beside == {"not_in_billing": 62.5, "on_stale_terms": 80.0}
    assert [str(rate.rate) for rate in leaks.money[0].rates] == ["1.25", "1.6"]
