"""A log that others made, through the whole pipeline: its figures are those of plain Python."""

from __future__ import annotations

import json
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from collector import mapping as mappings
from collector.imports import BATCH_TYPE, import_file
from metrics import definitions
from metrics.derive import Derived
from metrics.kpis import evaluate
from threadline.activation import Derivation
from threadline.model.entries import Entry
from threadline.model.kpis import Window
from threadline.store.telemetry import Telemetry

ROOT = Path(__file__).parents[2]
EXAMPLE, LOG = ROOT / "examples" / "p2p", Path("shared/data/eventlogs/p2p-normal.jsonocel")
ORACLE = ROOT / "tests" / "imports" / "oracle" / "purchase_to_pay.py"
HOUR = 3600
NOW = datetime(2026, 6, 30, 12, tzinfo=UTC)
BEGAN = datetime(2020, 1, 1, tzinfo=UTC)


@pytest.fixture(scope="module")
def derivation() -> Derivation:
    return Derivation(mapping=mappings.load(EXAMPLE), definitions=definitions.load(EXAMPLE))


def test_purchases_are_what_they_are_by_plain_computation(
    derive, derivation: Derivation, telemetry: Telemetry
):
    file = ROOT.parent / LOG
    if not file.exists():
        pytest.skip("the p2p-normal log is not in the data folder")
    bodies: list[bytes] = []
    report = import_file(file, EXAMPLE / "import.yaml", bodies.append)
    told = json.loads(
        subprocess.run([sys.executable, ORACLE, file], capture_output=True, check=True).stdout
    )
    derive([_entry(place, body) for place, body in enumerate(bodies)], batch=20)
    derived = Derived(
        **{
            table: telemetry.query(
                f"SELECT * EXCEPT (generation, deleted) FROM {table} FINAL"
                " WHERE journey = 'purchase-to-pay'"
            )
            for table in ("cases", "steps", "exceptions")
        }
    )
    window = Window(start=BEGAN, end=NOW)
    names = ["purchase-cycle-time", "ordering-time", "sla-attainment"]
    values = evaluate(
        derivation.definitions,
        derived,
        window=window,
        now=NOW,
        kpis=names,
        journey="purchase-to-pay",
    )
    cycle, ordering, attained = values

    assert (report.events, report.objects) == (told["events"], told["objects"])
    assert derived.cases.height == told["purchases"]
    ended = derived.cases.select("case_id", "started_at", "completed_at").iter_rows()
    hours = {
        case.rpartition(":")[2]: (end - start) / timedelta(hours=1) for case, start, end in ended
    }
    assert hours == pytest.approx(told["hours"])
    assert (cycle.n, cycle.value) == (told["done"], told["median_hours"] * HOUR)
    assert cycle.beside["p90"] == pytest.approx(told["p90_hours"] * HOUR)
    assert (ordering.n, ordering.value) == (told["purchases"], told["median_hours_to_order"] * HOUR)
    assert ordering.beside["p90"] == pytest.approx(told["p90_hours_to_order"] * HOUR)
    assert attained.value == told["within_11_days"] / told["purchases"]


def _entry(place: int, body: bytes) -> Entry:
    return Entry(
        kind="cloudevents",
        source="open",
        content_type=BATCH_TYPE,
        received_at=NOW + timedelta(seconds=place),
        body=body,
    )
