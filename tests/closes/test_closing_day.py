"""The month before is closed by itself on the day that is set, once, from what was known then."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from pathlib import Path
from types import SimpleNamespace
from typing import NoReturn

from handmade_services import services

from metrics.kpis import FirmCalendar
from threadline.clock import FixedClock
from threadline.closing_day import close_when_due
from threadline.errors import ViewNotReady
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


def _at(text: str) -> datetime:
    return datetime.fromisoformat(text)
