"""What people rule takes effect at once, everywhere, and is undone as easily."""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest

from threadline.model.entries import Entry
from threadline.model.identifiers import Identifier
from threadline.store.control import ControlStore
from threadline.store.telemetry import Telemetry, export

NOW = datetime(2026, 6, 30, 12, tzinfo=UTC)
PROJECT = Identifier.parse("project:erp:P-1")
FIRST, SECOND = (Identifier.parse(f"contract:clm:C-{number}") for number in (1, 2))
UNHEARD = Identifier.parse("contract:clm:C-9")


def _event(number: int, name: str, **data: object) -> Entry:
    body = {
        "specversion": "1.0",
        "id": str(number),
        "source": f"/{name.split('.')[0]}",
        "type": name,
        "time": (NOW - timedelta(days=1, minutes=-number)).isoformat(),
        "data": {"actor.type": "integration", **data},
    }
    return Entry(
        kind="cloudevents",
        source="open",
        content_type="application/cloudevents+json",
        received_at=NOW - timedelta(hours=20, minutes=-number),
        body=json.dumps(body).encode(),
    )


ENTRIES = [
    _event(0, "clm.contract.approved", **{"contract.id": "C-1"}),
    _event(1, "clm.contract.approved", **{"contract.id": "C-2"}),
    _event(2, "middleware.fields.validated", **{"contract.id": "C-1"}),
    _event(3, "middleware.fields.validated", **{"contract.id": "C-2"}),
    _event(4, "erp.cost_centre.copied", **{"contract.id": "C-1", "erp.project.id": "P-1"}),
    _event(5, "erp.project.created", **{"erp.project.id": "P-1"}),
]


def _done(telemetry: Telemetry) -> set[str]:
    """The contracts whose ERP project is there."""
    found = telemetry.query(
        "SELECT case_id FROM steps FINAL WHERE step = 'erp-project' AND closed_at IS NOT NULL"
    )
    return set(found["case_id"])


@pytest.fixture
def rule(control: ControlStore) -> Callable[..., None]:
    def ruled(act: str, child: Identifier = PROJECT, parent: Identifier = FIRST) -> None:
        kind = "belongs_to" if child.object_type == "project" else "same_as"
        control.rulings.rule(act, kind, child, parent, who="ana", why="seen on paper")

    return ruled


def test_a_retraction_and_an_assertion_move_the_steps_of_cases_and_lifting_brings_them_back(
    derive, telemetry: Telemetry, rule
):
    derive(ENTRIES, 100)
    before = export.digests(telemetry)
    assert _done(telemetry) == {str(FIRST)}
    rule("retract")
    rule("assert", parent=SECOND)
    derive([], 100, keep=True)
    assert _done(telemetry) == {str(SECOND)}
    rule("lift")
    rule("lift", parent=SECOND)
    derive([], 100, keep=True)
    assert _done(telemetry) == {str(FIRST)}
    assert export.digests(telemetry) == before


def test_merging_two_contracts_merges_their_cases(derive, telemetry: Telemetry, rule):
    derive(ENTRIES, 100)
    rule("assert", SECOND, FIRST)
    derive([], 100, keep=True)
    cases = telemetry.query("SELECT case_id FROM cases FINAL WHERE journey = 'contract-activation'")
    assert cases["case_id"].to_list() == [str(FIRST)]


@pytest.mark.parametrize("about", [FIRST, UNHEARD])
def test_rulings_before_or_after_the_facts_make_no_difference(
    derive, telemetry: Telemetry, rule, about
):
    derive(ENTRIES, 100)
    rule("retract")
    rule("assert", SECOND, about)
    derive([], 100, keep=True)
    live = export.digests(telemetry)
    derive(ENTRIES, 2)
    assert export.digests(telemetry) == live


@pytest.mark.parametrize("fails", [1, 2, 3, 4, 6, 10])
def test_a_crash_amid_a_ruling_costs_a_repetition_and_no_difference(
    derive, telemetry: Telemetry, rule, monkeypatch, fails
):
    derive(ENTRIES, 100)
    rule("retract")
    rule("assert", parent=SECOND)
    insert, calls = telemetry.insert, itertools.count(1)

    def failing(table: str, frame):
        if next(calls) == fails:
            raise ConnectionError(table)
        insert(table, frame)

    with monkeypatch.context() as planted:
        planted.setattr(telemetry, "insert", failing)
        assert derive([], 100, keep=True) == 2
    live = export.digests(telemetry)
    derive(ENTRIES, 100)
    assert export.digests(telemetry) == live
