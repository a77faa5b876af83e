"""Somebody has silenced it: what is held back, until when, and what is told then."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

from control_databases import NOON

from alerts.muting import Muting
from threadline.model.silences import Matcher, Silence


def announced(desk, begin: datetime, end: datetime) -> Silence:
    """A silence of the journey, in the control store."""
    matcher = Matcher(label="journey", op="=", value="contract-activation")
    added: Silence = desk.control.silences.add(
        (matcher,), begin, end, who="ana", comment="the ERP moves house"
    )
    return added


def test_a_silence_holds_the_page_back_and_its_end_lets_it_go(desk):
    desk.muted_until = NOON + timedelta(hours=3)
    desk.late()
    assert desk.pages == []
    assert desk.incident().state == "open", "a silence mutes what is told, not what is"
    assert desk.incident().muted_until == desk.muted_until
    desk.muted_until = None
    desk.at(hours=3)
    desk.at(hours=3, minutes=14)
    assert desk.pages == [("opened", "breach")]
    desk.at(hours=3, minutes=15)
    assert len(desk.pages) == 2, "the second step, counted from the end of the silence"


def test_a_silence_that_is_ended_early_lets_the_page_go_at_once(desk):
    desk.muted_until = NOON + timedelta(days=2)
    desk.late()
    desk.muted_until = None
    desk.move(hours=2, minutes=5)
    desk.service.rethink(desk.clock.now())
    desk.service.deliver(desk.clock.now())
    assert desk.pages == [("opened", "breach")]


def test_a_note_made_as_a_silence_is_ended_early_does_not_keep_the_page_back(desk):
    silence = announced(desk, NOON, NOON + timedelta(days=2))
    notes = ["it is back already"]

    def muted(labels, at):
        muting = Muting(desk.control.silences.standing(at)).of(labels, at)
        if muting is None and notes:
            desk.service.note(labels["incident"], text=notes.pop(), who="ben")
        return muting.until if muting else None

    desk.surroundings = replace(desk.surroundings, muted=muted)
    desk.restart()
    desk.late()
    desk.move(hours=2, minutes=5)
    desk.control.silences.end(silence.id, who="ana")
    desk.service.deliver(desk.clock.now())
    desk.service.deliver(desk.clock.now())
    assert desk.pages == [("opened", "breach")]


def test_a_silence_in_the_midst_keeps_what_is_still_to_be_told(desk):
    desk.late()
    desk.muted_until = NOON + timedelta(hours=4)
    desk.service.rethink(desk.clock.now())
    desk.at(hours=2, minutes=30)
    assert len(desk.pages) == 1
    desk.muted_until = None
    desk.at(hours=4)
    assert [reason for reason, _ in desk.pages] == ["opened", "escalated"]


def test_a_page_that_waits_for_its_receiver_outlives_a_silence(desk):
    desk.webhook.down()
    desk.late()
    desk.muted_until = NOON + timedelta(hours=4)
    desk.service.rethink(desk.clock.now())
    desk.webhook.up()
    desk.at(hours=3)
    assert desk.pages == []
    desk.muted_until = None
    desk.service.rethink(desk.clock.now())
    desk.at(hours=3, minutes=1)
    assert ("opened", "breach") in desk.pages


def test_a_silence_made_ahead_holds_back_what_waits_for_its_receiver_once_it_begins(desk):
    announced(desk, NOON + timedelta(hours=2, minutes=5), NOON + timedelta(hours=4))

    def muting(at):
        return Muting(desk.control.silences.standing(at))

    def muted(labels, at):
        mute = muting(at).of(labels, at)
        return mute.until if mute else None

    holding = {"muted": muted, "silences": lambda at: muting(at).in_force(at)}
    desk.surroundings = replace(desk.surroundings, **holding)
    desk.restart()
    desk.webhook.down()
    desk.late()
    desk.at(hours=2, minutes=5)
    desk.webhook.up()
    desk.at(hours=2, minutes=10)
    assert desk.pages == []
    desk.at(hours=4)
    assert ("opened", "breach") in desk.pages
