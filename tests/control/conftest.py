"""Rows to begin with."""

from __future__ import annotations

import pytest
from control_databases import NOON

from threadline.model.identifiers import Identifier
from threadline.model.incidents import Change, Incident, IncidentEvent
from threadline.store.control import ControlStore


@pytest.fixture
def breach() -> Incident:
    """A breached case of contract-activation, as it is first stored."""
    return Incident(
        id="1",
        journey="contract-activation",
        case_id="contract:clm:C-1",
        root_id="contract:clm:C-1",
        promise="case",
        criticality="revenue",
        severity="breach",
        state="open",
        reason="opened",
        policy="default",
        opened_at=NOON,
        deadline=NOON,
    )


@pytest.fixture
def filled(control: ControlStore, breach: Incident) -> None:
    """One row, at least, in every table that only grows."""
    one = Identifier(object_type="contract", namespace="clm", value="C-1")
    other = Identifier(object_type="contract", namespace="crm", value="006")
    control.definitions.activate("journey", {"a": {}})
    control.rulings.rule("retract", "same_as", one, other, who="lead", why="two tenants")
    control.incidents.commit([Change(incident=breach, event=IncidentEvent(at=NOON, what="opened"))])
