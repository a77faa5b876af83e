"""The past is derived: what was known at an instant is what a service would have known then."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import product
from pathlib import Path
from random import Random
from types import SimpleNamespace

import pytest
from prometheus_client import CollectorRegistry

from threadline import activation
from threadline.clock import FixedClock
from threadline.errors import OutOfReach
from threadline.instruments import PipelineInstruments
from threadline.model.entries import Entry
from threadline.model.identifiers import Identifier
from threadline.pipeline import Pipeline
from threadline.settings import (
    AsOfSettings,
    ControlSettings,
    LogSettings,
    PipelineSettings,
    Settings,
    TelemetrySettings,
)
from threadline.store.control import ControlStore
from threadline.store.log import Log
from threadline.store.telemetry import Telemetry, export
from threadline.views import Views

START = datetime(2026, 6, 1, 8, tzinfo=UTC)
HOUR = timedelta(hours=1)
CONTRACTS, PROJECTS = ([f"{kind}-{n}" for n in range(1, 5)] for kind in ("C", "P"))
RATES = {
    "reporting_currency": "EUR",
    "stale_after": "9 days",
    "rates": ["2026-06-01 EUR USD 1.09"],
}
NAMES = (
    *("clm.contract.approved", "middleware.fields.validated", "erp.project.created"),
    *("erp.billing_schedule.created", "erp.project.rejected", "erp.cost_centre.copied"),
)


def _event(random: Random, number: int) -> Entry:
    """Some ids and times come again, with other content: versions, late facts, moved links."""
    name = random.choice(NAMES)
    data: dict[str, object] = {"actor.type": "integration"}
    if not name.startswith("erp.") or random.random() < 0.6:
        data["contract.id"] = random.choice(CONTRACTS)
    if name.startswith("erp."):
        data["erp.project.id"] = random.choice(PROJECTS)
    body = {
        "specversion": "1.0",
        "id": str(random.randrange(number + 1) if random.random() < 0.2 else number),
        "source": f"/{name.split('.')[0]}",
        "type": name,
        "time": (START + random.uniform(-200, 0) * HOUR).isoformat(),
        "data": data,
    }
    return Entry(
        kind="cloudevents",
        source="open",
        content_type="application/cloudevents+json",
        received_at=START + timedelta(minutes=10 * number),
        body=json.dumps(body).encode(),
    )


@pytest.fixture
def views(
    tmp_path: Path, telemetry_settings: TelemetrySettings, request: pytest.FixtureRequest
) -> Iterator[SimpleNamespace]:
    """A log whose order is not that of receipt, and rulings and definitions in between."""
    random = Random(request.param)
    entries = [_event(random, number) for number in range(40)]
    clock = FixedClock(START - HOUR)
    settings = Settings(
        data_dir=tmp_path,
        telemetry=telemetry_settings,
        as_of=AsOfSettings(views=2, wait_seconds=60),
    )
    log = Log.open(LogSettings(dir=tmp_path / "log"), clock)
    asyncio.run(_logged(log, random.sample(entries, len(entries))))
    control = ControlStore.open(ControlSettings(path=tmp_path / "control.sqlite"), clock)
    control.migrate()
    active = activation.load(settings)
    activation.activate(active, control)
    for hour, act in ((2, "retract"), (4, "assert"), (7, "lift")):
        clock.move_to(START + hour * HOUR)
        ends = [
            Identifier.parse(f"project:erp:{PROJECTS[0]}"),
            Identifier.parse("contract:clm:C-1"),
        ]
        control.rulings.rule(act, "belongs_to", *ends, who="ana", why="seen on paper")
    clock.move_to(START + 8 * HOUR)
    for project, contract in product(PROJECTS, CONTRACTS):  # after all that is asked for
        ends = [
            Identifier.parse(f"project:erp:{project}"),
            Identifier.parse(f"contract:clm:{contract}"),
        ]
        control.rulings.rule("retract", "belongs_to", *ends, who="ana", why="all wrong")
    clock.move_to(START + 6 * HOUR)
    activation.activate(replace(active, derivation=_one_journey_less(active.derivation)), control)
    clock.move_to(START + 24 * HOUR)
    live = lambda: SimpleNamespace(lag=timedelta())  # noqa: E731
    views = Views(log, control, settings, clock, live)
    yield SimpleNamespace(
        views=views, entries=entries, log=log, control=control, clock=clock, random=random
    )
    views.close()
    control.close()
    log.close()


def _one_journey_less(derivation: activation.Derivation) -> activation.Derivation:
    content = dict(derivation.definitions.content)
    kept = {"contract-activation"}
    content["journeys"] = {k: v for k, v in content["journeys"].items() if k in kept}
    content["kpis"] = {}
    content["rates"] = RATES
    fresh = activation.metric_definitions.restore(content)
    return activation.Derivation(mapping=derivation.mapping, definitions=fresh)


async def _logged(log: Log, entries: Sequence[Entry]) -> None:
    for entry in entries:
        await log.append(entry)


@pytest.mark.parametrize("views", [1], indirect=True)
def test_what_was_known_then_is_what_a_service_fed_by_then_would_know(
    views: SimpleNamespace, telemetry: Telemetry, tmp_path: Path
):
    instants = [START, START + views.random.uniform(0.2, 5.9) * HOUR, START + 6.2 * HOUR]
    told = []
    for number, at in enumerate(instants):
        view = views.views.at(at)
        found = export.digests(view.telemetry)
        later = at >= START + 6 * HOUR
        known = view.derivation.definitions
        assert (view.clock.now(), view.at) == (at, at)
        assert (list(known.journeys) == ["contract-activation"], known.rates is not None) == (
            later,
            later,
        )
        ruled = [hour for hour in (2, 4, 7) if START + hour * HOUR <= at]
        assert len(view.rulings.latest(9)) == len(ruled)
        told.append(found)
        by_then = [entry for entry in views.entries if entry.received_at <= at]
        expected = _fresh(views, by_then, at, telemetry, tmp_path / f"fresh-{number}")
        assert found == expected, at
    assert len({str(one) for one in told}) == len(told)


def _fresh(
    views: SimpleNamespace,
    entries: Sequence[Entry],
    at: datetime,
    telemetry: Telemetry,
    place: Path,
) -> dict[str, str]:
    """A new service that is given, in the order of receipt, what was received by `at`."""
    telemetry.reset()
    clock = FixedClock(START - HOUR)
    log = Log.open(LogSettings(dir=place / "log"), clock)
    control = ControlStore.open(ControlSettings(path=place / "control.sqlite"), clock)
    control.migrate()
    try:
        activation.activate(activation.load(Settings(data_dir=place)), control)
        for ruling in views.control.rulings.received_by(at):
            clock.move_to(ruling.at)
            ends = (ruling.kind, ruling.child, ruling.parent)
            control.rulings.rule(ruling.act, *ends, who=ruling.who, why=ruling.why)
        derivation = activation.restore(control)
        if at >= START + 6 * HOUR:
            derivation = _one_journey_less(derivation)
        asyncio.run(_logged(log, entries))
        pipeline = Pipeline(
            log=log,
            telemetry=telemetry,
            control=control,
            derivation=derivation,
            clock=clock,
            settings=PipelineSettings(batch_entries=7),
            instruments=PipelineInstruments(CollectorRegistry()),
        )
        while pipeline.step():
            pass
        return export.digests(telemetry)
    finally:
        control.close()
        log.close()


@pytest.mark.parametrize("views", [3], indirect=True)
def test_views_are_few_and_what_cannot_be_known_is_refused(
    views: SimpleNamespace, telemetry: Telemetry
):
    for hours in (1, 2, 1, 3):
        views.views.at(START + hours * HOUR)
    assert set(views.views._views) == {START + HOUR, START + 3 * HOUR}  # asked for last
    databases = telemetry.query("SELECT name FROM system.databases WHERE name LIKE '%_as_of_%'")
    assert databases.height == 2
    with pytest.raises(OutOfReach, match="has not come yet"):
        views.views.at(views.clock.now() + HOUR)
    with pytest.raises(OutOfReach, match="no input had been received"):
        views.views.at(START - HOUR)
    views.views.close()
    assert telemetry.query(
        "SELECT name FROM system.databases WHERE name LIKE '%_as_of_%'"
    ).is_empty()
