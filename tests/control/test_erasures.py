"""The book of erasures, and clearing the words of a control store, on either database."""

from __future__ import annotations

import pytest
from control_databases import NOON
from sqlalchemy import update
from sqlalchemy.exc import DBAPIError

from threadline.model.erasures import Erasure
from threadline.model.identifiers import Identifier
from threadline.model.incidents import Change, Incident, IncidentEvent
from threadline.store.control import ControlStore
from threadline.store.control.schema import incident_events

CHILD, PARENT = Identifier.parse("project:erp:P-1"), Identifier.parse("contract:crm:C-1")


def test_what_began_is_kept_until_it_is_applied(control: ControlStore):
    begun = Erasure(
        number=0,
        at=NOON,
        who="dpo",
        reason="asked",
        pseudonym="erased-1",
        length=9,
        fingerprint=2**64 - 1,
        key="00",
        digest="ff",
        entries=3,
        values=4,
        applied_at=None,
    )
    control.erasures.begin([begun])
    (stored,) = control.erasures.all()
    assert vars(stored) == vars(begun) | {"number": stored.number}

    control.erasures.applied([stored], entries=2, values=5)

    (done,) = control.erasures.all()
    assert (done.entries, done.values, done.applied_at is not None) == (3, 5, True)
    acts = [(one.what, one.detail.get("values")) for one in control.audit.whole()]
    assert acts == [("erasure.begun", None), ("erasure.applied", 5)]


def test_words_are_cleared_and_who_did_what_stays(control: ControlStore, breach: Incident):
    noted = IncidentEvent(at=NOON, what="noted", who="anna", detail={"text": "anna said so"})
    control.incidents.commit([Change(incident=breach, event=noted)])
    control.rulings.rule("assert", "belongs_to", CHILD, PARENT, who="support", why="anna said so")

    control.erasures.forget(lambda text: text.replace("anna", "erased-1"))

    event = control.incidents.history(breach.id)[-1]
    assert (event.who, event.detail) == ("anna", {"text": "erased-1 said so"})
    assert [one.why for one in control.rulings.latest(9)] == ["anna said so"]
    assert [one.detail.get("why") for one in control.audit.whole()][-1] == "anna said so"
    with pytest.raises(DBAPIError, match="append only"), control._transactions.write() as again:
        again.execute(update(incident_events).values(who="eve"))
