"""The guide to masters and copies, from its declaration and its events to what it says of them."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from collector import mapping as mappings
from metrics import definitions
from threadline.activation import Derivation
from threadline.model.entries import Entry
from threadline.store.telemetry import Telemetry, threads
from threadline.store.telemetry import mastery as mastery_store

GUIDE = (Path(__file__).parents[2] / "docs" / "mastery.md").read_text()
NOW = datetime(2026, 6, 30, 12, tzinfo=UTC)
UPDATED = {
    "specversion": "1.0",
    "id": "4",
    "source": "/billing",
    "type": "billing.line.created",
    "time": "2026-03-10T21:00:00Z",
    "data": {"erp.project.id": "P-1", "line.unit_price": 195},
}


def example(kind: str) -> str:
    (text,) = re.findall(rf"```{kind}\n(.*?)```", GUIDE, re.DOTALL)
    return str(text)


@pytest.fixture
def derivation(tmp_path: Path) -> Derivation:
    """The shipped definitions and the one of the guide."""
    (tmp_path / "own").mkdir()
    (tmp_path / "own" / "objects.yaml").write_text(example("yaml"))
    mapping = mappings.load(tmp_path / "own")
    return Derivation(mapping=mapping, definitions=definitions.load())


def entries(*more: dict) -> Sequence[Entry]:
    return [
        Entry(
            kind="cloudevents",
            source="local",
            content_type="application/cloudevents+json",
            received_at=NOW + timedelta(seconds=place),
            body=json.dumps(event).encode(),
        )
        for place, event in enumerate([*json.loads(example("json")), *more])
    ]


def test_the_copy_of_the_guide_differs_as_the_guide_says(derive, telemetry: Telemetry) -> None:
    derive(entries(), 1)

    (row,) = mastery_store.mismatches(telemetry).to_dicts()
    for at in (row["since"], row["due_at"]):
        assert f"{at:%Y-%m-%dT%H:%M:%SZ}" in GUIDE
    assert (row["until"], row["root_id"]) == (None, "contract:clm:C-1")
    assert row["difference"] == Decimal("15.00")
    assert f"{row['difference']} {row['currency']} are at stake" in GUIDE


def test_an_update_that_arrives_late_takes_the_mismatch_back(derive, telemetry: Telemetry) -> None:
    derive(entries(UPDATED), 1)

    assert mastery_store.mismatches(telemetry).is_empty()
    said = threads.listed(threads.of(telemetry, "contract:clm:C-1"), "attribute_values")
    assert said.filter(system="billing")["value"].to_list() == ["180.00", "195"]
