"""The orphan share: of which facts, by source, over time, against the window before."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import polars as pl
import pytest
from statistics_oracle import wilson

from metrics.derive.derivation import NOTHING
from metrics.kpis import evaluate, series
from metrics.kpis.receipts import RECEIVED
from threadline.errors import NotFound
from threadline.model.kpis import Kpi, KpiValue, Window

DAY = timedelta(days=1)
START = datetime(2026, 5, 1, tzinfo=UTC)
WINDOW = Window(start=START, end=START + 10 * DAY)
NOW = WINDOW.end


def received(_: Kpi, windows: Sequence[Window]) -> pl.DataFrame:
    """A hundred facts of the ERP and ten of the bank a day, nothing before; four of the ERP's are
    orphans and six shared, every one of the bank's an orphan in the first five days."""
    rows = []
    for place, window in enumerate(windows):
        days = [day for day in range(10) if window.start <= START + day * DAY < window.end]
        early = sum(day < 5 for day in days)
        if days:
            counts = {
                "bank": (10 * early, 10 * (len(days) - early), 0),
                "erp": (4 * len(days), 90 * len(days), 6 * len(days)),
            }
            for source, numbers in counts.items():
                for standing, n in zip(("orphan", "attributed", "shared"), numbers, strict=True):
                    rows.append((place, source, "", standing, n, None, None))
    return pl.DataFrame(rows, schema=RECEIVED, orient="row")


@pytest.fixture
def ask(shipped):
    def asked(**more) -> list[KpiValue]:
        given = {"window": WINDOW, "now": NOW, "kpis": ["orphan-share"], "received": received}
        return evaluate(shipped, NOTHING, **(given | more))

    return asked


def test_the_share_is_of_facts_that_nobody_shares(ask):
    (value,) = ask()
    assert (value.n, value.value) == (1040, 90 / 1040)
    assert value.counts == {"orphan": 90, "attributed": 950, "shared": 60}
    assert (value.coverage, value.state, value.unit) == (1.0, "breached", "ratio")
    assert (value.low, value.high) == pytest.approx(wilson(90, 1040))


def test_by_source_nothing_is_lost(ask):
    parts = {part.dimensions["source"]: part for part in ask(by=["source"])}
    assert {name: (part.n, part.counts["orphan"]) for name, part in parts.items()} == {
        "bank": (100, 50),
        "erp": (940, 40),
    }
    assert (parts["bank"].state, parts["erp"].state) == ("breached", "warning")


def test_facts_of_no_contract_have_none_of_its_dimensions(ask, shipped):
    (part,) = ask(by=["region"])
    assert (part.dimensions, part.n) == ({"region": ""}, 1040)
    (journey, *_) = shipped.journeys
    assert ask(journey=journey) == []
    with pytest.raises(NotFound):
        ask(by=["colour"])


def test_the_window_before_is_seen_at_equal_maturity(ask):
    window = Window(start=START + 5 * DAY, end=START + 10 * DAY)
    (value,) = ask(window=window, now=START + 7 * DAY)
    assert (value.n, value.value) == (2 * 104, 8 / 208)
    assert (value.previous.n, value.previous.value) == (2 * 104, 28 / 208)


def test_over_time_every_stretch_has_its_own(shipped):
    starts = [START, START + 4 * DAY, START + 8 * DAY]
    parts = [Window(start=at, end=min(at + 4 * DAY, WINDOW.end)) for at in starts]
    told = {"kpi": "orphan-share", "parts": parts, "received": received}
    values = series(shipped, NOTHING, now=START + 9 * DAY, **told)
    assert [value.n for value in values] == [416, 416, 104]
    assert [value.counts["orphan"] for value in values] == [56, 26, 4]


def test_where_nothing_was_received_nothing_is_good(ask):
    window = Window(start=START - 9 * DAY, end=START - DAY)
    (value,) = ask(window=window)
    assert (value.value, value.n, value.state, value.coverage) == (None, 0, "unknown", None)
    assert value.note == "no fact was received in the window"
