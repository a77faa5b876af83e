"""Work is claimed by lease: by one worker at a time, and by another when that one dies."""

from __future__ import annotations

import threading
from dataclasses import replace
from datetime import timedelta

import pytest
from control_databases import NOON

from threadline.model.incidents import Change, IncidentEvent, Notification
from threadline.store.control import ControlStore

LATER = NOON + timedelta(minutes=5)
OPENED = IncidentEvent(at=NOON, what="opened")


def owe(control, breach, count=1, receiver="default/log"):
    owed = tuple(
        Notification(
            incident_id=breach.id,
            episode=1,
            step=step,
            receiver=receiver,
            reason="opened",
            due_at=NOON + timedelta(seconds=step),
            payload={"n": step},
        )
        for step in range(1, count + 1)
    )
    control.incidents.commit([Change(incident=breach, event=OPENED, notifications=owed)])


def test_the_longest_due_is_claimed_first_and_only_when_due(control, breach):
    owe(control, breach, 2)
    assert control.outbox.claim(NOON, owner="a", lease_until=LATER) is None
    now = NOON + timedelta(seconds=2)
    steps = [
        control.outbox.claim(now, owner="a", lease_until=LATER).notification.step for _ in "ab"
    ]
    assert steps == [1, 2]
    assert control.outbox.claim(now, owner="b", lease_until=LATER) is None


def test_a_lease_that_ran_out_is_free_again_and_its_first_owner_too_late(control, breach):
    owe(control, breach)
    now = NOON + timedelta(seconds=1)
    first = control.outbox.claim(now, owner="a", lease_until=LATER)
    second = control.outbox.claim(LATER, owner="b", lease_until=LATER + timedelta(minutes=5))
    assert (first.attempt, second.attempt) == (1, 2)
    assert not control.outbox.delivered(first, LATER)
    assert control.outbox.delivered(second, LATER)
    assert control.outbox.claim(LATER, owner="a", lease_until=LATER) is None


def test_a_worker_that_claims_again_cannot_settle_its_earlier_claim(control, breach):
    owe(control, breach)
    first = control.outbox.claim(NOON + timedelta(seconds=1), owner="a", lease_until=LATER)
    control.outbox.claim(LATER, owner="a", lease_until=LATER + timedelta(minutes=5))
    assert not control.outbox.failed(first, LATER, "status 404")


def test_excluded_receivers_are_left_alone(control, breach):
    owe(control, breach, receiver="default/webhook")
    now = NOON + timedelta(seconds=1)
    found = control.outbox.claim(now, owner="a", lease_until=LATER, excluding=["default/webhook"])
    assert found is None


def test_many_workers_claim_everything_once(control, control_settings, clock, breach):
    owe(control, breach, 40)
    now, until = NOON + timedelta(hours=1), NOON + timedelta(hours=2)
    claimed: list[int] = []

    def work(owner: str) -> None:
        store = ControlStore.open(control_settings, clock)
        while (claim := store.outbox.claim(now, owner=owner, lease_until=until)) is not None:
            claimed.append(claim.notification.step)
        store.close()

    threads = [threading.Thread(target=work, args=(str(number),)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(claimed) == list(range(1, 41))


def test_the_same_notification_is_owed_once(control, breach):
    owe(control, breach)
    again = Change(incident=breach, event=OPENED, notifications=())
    assert control.incidents.commit([again]) == []
    assert len(control.outbox.of(breach.id)) == 1
    assert len(control.incidents.history(breach.id)) == 1


def test_a_change_decided_on_an_old_version_is_left_out_whole(control, breach):
    owe(control, breach)
    newer = replace(breach, state="acknowledged", version=2)
    control.incidents.change(breach.id, lambda _: Change(incident=newer, event=OPENED))
    stale = replace(breach, severity="warning", version=2)
    late = Notification(
        incident_id=breach.id,
        episode=2,
        step=1,
        receiver="default/log",
        reason="raised",
        due_at=NOON,
        payload={},
    )
    assert (
        control.incidents.commit([Change(incident=stale, event=OPENED, notifications=(late,))])
        == []
    )
    assert control.incidents.get(breach.id).state == "acknowledged"
    assert len(control.outbox.of(breach.id)) == 1


def test_a_decision_that_fails_stores_nothing(control, breach):
    owe(control, breach)

    def decide(_):
        raise RuntimeError("no")

    with pytest.raises(RuntimeError):
        control.incidents.change(breach.id, decide)
    assert control.incidents.get(breach.id) == breach


def test_a_watermark_only_moves_forward(control):
    assert control.watermarks.get("evaluation") is None
    control.watermarks.advance("evaluation", LATER)
    control.watermarks.advance("evaluation", NOON)
    assert control.watermarks.get("evaluation") == LATER
