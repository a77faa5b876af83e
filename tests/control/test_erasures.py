"""The book of erasures, and clearing the words of a control store, on either database."""

from __future__ import annotations

from control_databases import NOON

from threadline.model.erasures import Erasure
from threadline.model.identifiers import Identifier
from threadline.store.control import ControlStore

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


def test_words_are_cleared_and_the_audit_stays(control: ControlStore):
    control.rulings.rule("assert", "belongs_to", CHILD, PARENT, who="support", why="anna said so")

    control.erasures.forget(lambda text: text.replace("anna", "erased-1"))

    assert [one.why for one in control.rulings.latest(9)] == ["erased-1 said so"]
    assert [one.detail["why"] for one in control.audit.whole()] == ["anna said so"]
