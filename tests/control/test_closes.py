"""Closes in the control store: kept as they were taken, through a backup too."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from control_databases import NOON
from sqlalchemy import text

from threadline.clock import FixedClock
from threadline.errors import NotFound
from threadline.model.closes import Close, ClosedFigure, ClosedKpi
from threadline.model.kpis import Window
from threadline.settings import ControlSettings
from threadline.store.control import ControlStore
from threadline.store.control.closes import AlreadyClosed
from threadline.store.control.engine import connect

FEBRUARY = Close(
    period="2026-02",
    window=Window(start=NOON - timedelta(days=29), end=NOON - timedelta(days=1)),
    zone="UTC",
    at=NOON - timedelta(hours=2),
    who="ana",
    note="é",
    silent=("erp",),
    silent_before=(),
    taken_at=NOON,
)
PAID = ClosedFigure(
    value=Decimal("12345678901234.56"), unit="EUR", n=3, target=None, state="ok", coverage=1 / 3
)
SHARE = ClosedFigure(
    value=Decimal(str(2 / 3)), unit="ratio", n=3, target=None, state="ok", coverage=1.0
)
KPI = ClosedKpi(
    kpi="value-at-risk",
    title="Value at risk",
    business=False,
    direction="lower",
    counts="cases",
    digest="abc",
    now=FEBRUARY.window.end,
    figures=(PAID, replace(SHARE, dimension="region", label="EMEA", counts={"met": 2})),
    rows=3,
    population=bytes(range(256)),
)


def test_a_close_is_what_was_frozen_also_after_a_backup(control: ControlStore, tmp_path: Path):
    taken = control.closes.take(FEBRUARY, [KPI, replace(KPI, kpi="backlog", population=None)])
    (tmp_path / "dump").mkdir()
    list(control.dump(tmp_path / "dump"))
    other = ControlStore.open(ControlSettings(path=tmp_path / "o.sqlite"), FixedClock(NOON))
    other.migrate()
    other.load(tmp_path / "dump")

    for store in (control, other):
        assert store.closes.get("2026-02") == taken
        first, second = store.closes.kpis(taken.number)
        assert first == replace(KPI, population=None)
        assert not second.kept
        assert float(first.figures[1].value) == 2 / 3
        assert store.closes.population(taken.number, "value-at-risk") == KPI.population
        assert store.closes.population(taken.number, second.kpi) is None
        (told,) = [one for one in store.audit.whole() if one.what == "close.taken"]
        assert (told.who, told.detail["digest"]) == ("ana", taken.digest)
    other.close()


def test_closing_again_adds_a_revision_and_is_never_done_by_accident(control: ControlStore):
    first = control.closes.take(FEBRUARY, [KPI])
    with pytest.raises(AlreadyClosed, match="2026-02 was closed by ana"):
        control.closes.take(FEBRUARY, [KPI])
    changed = replace(KPI, population=b"other")
    second = control.closes.take(replace(FEBRUARY, who="bo"), [changed], again=True)

    assert (first.revision, second.revision) == (1, 2)
    assert first.digest != second.digest
    assert control.closes.get("2026-02") == second
    assert control.closes.get("2026-02", 1) == first
    assert control.closes.latest(1) == [second]
    assert control.closes.latest(5, before=second.number) == [first]
    for period, revision in (("2026-02", 3), ("2026-01", None)):
        with pytest.raises(NotFound):
            control.closes.get(period, revision)
    with pytest.raises(NotFound):
        control.closes.population(first.number, "nothing")


@pytest.mark.parametrize("table", ["closes", "close_kpis"])
def test_the_database_itself_changes_no_close(
    control: ControlStore, control_settings: ControlSettings, table: str
):
    control.closes.take(FEBRUARY, [KPI])
    engine = connect(control_settings)
    with (
        pytest.raises(Exception, match=f"{table} is never changed"),
        engine.connect().execution_options(writes=True) as connection,
        connection.begin(),
    ):
        connection.execute(text(f"UPDATE {table} SET id = id"))
    engine.dispose()


def test_a_close_ends_whole_when_its_retention_does(control: ControlStore):
    old = control.closes.take(FEBRUARY, [KPI])
    until = old.taken_at
    assert control.closes.end(until - timedelta(seconds=1), who="threadline") == 0

    assert control.closes.end(until, who="threadline") == 1

    assert control.closes.latest(9) == []
    act = control.audit.latest(1)[0]
    assert (act.what, act.detail["digest"]) == ("close.ended", old.digest)
