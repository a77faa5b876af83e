"""The month before is closed by itself on the day that is set, once, from what was known then."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import NoReturn

import polars as pl
from handmade_services import services

from metrics.kpis import FirmCalendar, packed
from metrics.kpis.closing import POPULATION
from threadline.api import closed, closing
from threadline.api.restating import restate
from threadline.clock import FixedClock
from threadline.closing_day import close_when_due
from threadline.errors import ViewNotReady
from threadline.model.closes import Close
from threadline.sections import ClosesSettings
from threadline.store.telemetry import Telemetry


def test_it_waits_for_the_hour_and_for_the_view_and_closes_once(
    telemetry: Telemetry, tmp_path: Path
):
    clock, fifth = FixedClock(_at("2026-03-05T04:59Z")), ClosesSettings(day=5, hour=6)
    with services(telemetry, tmp_path) as given:

        def view(at: datetime) -> SimpleNamespace:
            declared = SimpleNamespace(definitions=given.definitions, mapping=given.mapping)
            return SimpleNamespace(
                **vars(given) | {"derivation": declared, "clock": FixedClock(at)}
            )

        def not_yet(at: datetime) -> NoReturn:
            raise ViewNotReady(at, "is being derived")

        berlin = FirmCalendar(clock="Europe/Berlin")
        ours = replace(given, clock=clock, view=view, calendar=berlin)
        close_when_due(ours, fifth)
        clock.move_to(_at("2026-03-05T05:00Z"))
        close_when_due(ours, ClosesSettings())
        close_when_due(replace(ours, view=not_yet), fifth)
        assert given.closes.latest(5) == []
        clock.move_to(_at("2026-03-09T12:00Z"))
        close_when_due(ours, fifth)
        close_when_due(ours, fifth)

        (taken,) = given.closes.latest(5)
        assert (taken.period, taken.at) == ("2026-02", _at("2026-03-05T05:00Z"))
        assert taken.window.start == _at("2026-01-31T23:00Z")
        assert (taken.who, taken.revision) == ("threadline", 1)


def test_what_was_forgotten_since_makes_a_figure_unknown_and_not_another_one(
    telemetry: Telemetry, tmp_path: Path
):
    gone = {"subject": "contract:clm:GONE", "root_id": "contract:clm:GONE", "standing": "met"}
    row = dict.fromkeys(POPULATION, None) | gone | {"journey": "contract-activation", "step": ""}
    row |= {"behind": True, "hit": True, "weight": 1, "unit": "", "dimensions": "{}"}
    with services(telemetry, tmp_path) as given:
        now = given.clock.now()
        window = given.calendar.month("2026-02")
        names = {"period": "2026-02", "zone": "UTC", "who": "ana", "note": ""}
        close = Close(**names, window=window, at=now, silent=(), silent_before=(), taken_at=now)
        known = closing.figures(given, closing.known(given, window, now), window, now, lambda _: ())
        kpis = [
            replace(
                closing.frozen(given.definitions, one),
                population=packed(pl.DataFrame([row], schema=POPULATION)),
            )
            for one in known
            if one.kpi.name in ("sla-attainment", "orphan-share")
        ]
        taken = given.closes.take(close, kpis)

        told = [closed.restated(given, one)[0] for one in restate(given, taken)]
        assert [(one.left, one.why) for one in told] == [(1, ""), (1, "")]
        later = replace(given, forgetting=SimpleNamespace(last=now + timedelta(days=1)))
        told = [closed.restated(later, one)[0] for one in restate(later, taken)]
        assert [one.restated for one in told] == [None, None]
        assert {one.kpi: one.why for one in told} == {
            "sla-attainment": "1 of what it rests on are forgotten",
            "orphan-share": "facts of contracts forgotten since are not there any more",
        }


def _at(text: str) -> datetime:
    return datetime.fromisoformat(text)
