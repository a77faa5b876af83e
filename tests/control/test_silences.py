"""Silences and overrides in the control store, on either database."""

from __future__ import annotations

from datetime import timedelta

import pytest
from control_databases import NOON

from threadline.clock import FixedClock
from threadline.errors import NotFound
from threadline.model.silences import Matcher, Silence
from threadline.store.control import ControlStore

HOUR = timedelta(hours=1)
OF_ERP = (Matcher(label="system", op="=", value="erp"),)


def silenced(control: ControlStore, *, begins: float = 0, lasts: float = 2) -> Silence:
    """A silence about the ERP that begins, and lasts, so many hours."""
    start = NOON + begins * HOUR
    return control.silences.add(
        OF_ERP, start, start + lasts * HOUR, who="on-call", comment="the ERP moves house"
    )


def ids(found: list[Silence]) -> list[str]:
    return [one.id for one in found]


def test_a_silence_is_told_by_its_state_at_every_instant(control: ControlStore, clock: FixedClock):
    over, now, later = silenced(control, begins=-3), silenced(control), silenced(control, begins=5)
    book = control.silences

    assert ids(book.latest(9, NOON, states=["active"])) == [now.id]
    assert ids(book.latest(9, NOON, states=["pending"])) == [later.id]
    assert ids(book.latest(9, NOON, states=["expired"])) == [over.id]
    assert ids(book.latest(9, NOON, states=["active", "expired"])) == [now.id, over.id]
    assert ids(book.latest(9, now.ends_at, states=["active"])) == [], "the end is not part of it"
    assert ids(book.standing(NOON)) == [now.id, later.id]
    assert ids(book.latest(2, NOON)) == [later.id, now.id]
    assert ids(book.latest(2, NOON, before=int(now.id))) == [over.id]


@pytest.mark.parametrize("ended", [None, -1, 0.5, 3])
def test_the_book_and_the_silence_itself_say_the_same_state(
    control: ControlStore, clock: FixedClock, ended: float | None
):
    clock.move_to(NOON - 2 * HOUR)
    made = silenced(control)
    if ended is not None:
        clock.move_to(NOON + ended * HOUR)
        made = control.silences.end(made.id, who="on-call")
    for hours in (-2, -1, -0.5, 0, 0.25, 0.5, 1, 2, 3):
        at = NOON + hours * HOUR
        told = [
            state
            for state in ("pending", "active", "expired")
            if control.silences.latest(1, at, states=[state])
        ]
        assert told == [made.state(at)]
        assert bool(control.silences.standing(at)) == (made.state(at) != "expired")


def test_ending_a_silence_early_stays_told_and_is_done_once(
    control: ControlStore, clock: FixedClock
):
    made = silenced(control)
    clock.move_to(NOON + HOUR)
    ended = control.silences.end(made.id, who="support")
    clock.move_to(NOON + 1.5 * HOUR)

    assert control.silences.end(made.id, who="somebody later") == ended
    assert control.silences.get(made.id) == ended
    assert (ended.until, ended.ended_by, ended.who) == (NOON + HOUR, "support", "on-call")
    told = [(entry.what, entry.who) for entry in control.audit.latest()]
    assert told == [("silence.ended", "support"), ("silence.created", "on-call")]
    assert control.audit.latest()[0].detail["matchers"] == ['system="erp"']


@pytest.mark.parametrize("name", ["7", "-1", "", "erp", "9" * 40, "١"])
def test_what_names_no_silence_is_not_found(control: ControlStore, name: str):
    with pytest.raises(NotFound):
        control.silences.end(name, who="on-call")


def test_an_override_counts_until_its_end_or_until_it_is_taken_back(
    control: ControlStore, clock: FixedClock
):
    span = (NOON + HOUR, NOON + 3 * HOUR)
    first = control.overrides.add("billing", "second", *span, who="lead", why="a wedding")
    other = control.overrides.add("billing", "lead", *span, who="lead", why="no, mine")
    assert control.overrides.since(NOON) == [first, other]
    assert (first.made_at, silenced(control).made_at) == (NOON, NOON)
    assert control.overrides.since(NOON + 3 * HOUR) == []

    clock.move_to(NOON + 2 * HOUR)
    ended = control.overrides.end("billing", other.number, who="lead")
    assert control.overrides.end("billing", other.number, who="late") == ended
    assert control.overrides.since(NOON + 2 * HOUR) == [first]
    assert ended.covers(NOON + HOUR)
    assert not ended.covers(NOON + 2 * HOUR)
    assert next(entry.what for entry in control.audit.latest()) == "override.ended"


def test_an_override_taken_back_before_it_began_never_counts(
    control: ControlStore, clock: FixedClock
):
    made = control.overrides.add(
        "billing", "second", NOON + HOUR, NOON + 2 * HOUR, who="lead", why="-"
    )
    control.overrides.end("billing", made.number, who="lead")

    assert control.overrides.since(NOON - HOUR) == []


@pytest.mark.parametrize(("rota", "number"), [("billing", 7), ("payments", 1)])
def test_an_override_is_ended_on_its_own_rota_only(control: ControlStore, rota: str, number: int):
    control.overrides.add("billing", "second", NOON, NOON + HOUR, who="lead", why="-")
    with pytest.raises(NotFound, match=f"rota {rota}"):
        control.overrides.end(rota, number, who="lead")
