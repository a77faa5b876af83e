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


def claim(control, now, owner, *, receiver="default/log", until=LATER):
    """The one notification that is claimed, or None."""
    found = control.outbox.claim(now, receiver=receiver, owner=owner, lease_until=until)
    return found[0] if found else None


def test_the_longest_due_is_claimed_first_and_only_when_due(control, breach):
    owe(control, breach, 2)
    assert claim(control, NOON, "a") is None
    now = NOON + timedelta(seconds=2)
    first = claim(control, now, "a")
    assert first.notification.step == 1
    assert claim(control, now, "b") is None, "what was told of an incident earlier comes first"
    control.outbox.delivered([first], now, message="1")
    assert claim(control, now, "b").notification.step == 2


def test_pages_go_before_news(control, breach):
    other = replace(breach, id="2", case_id="contract:clm:C-2")
    owe(control, breach)
    owed = control.outbox.of(breach.id)[0].notification
    news = replace(owed, kind="update", step=0, incident_id="2", due_at=NOON)
    control.incidents.commit([Change(incident=other, event=OPENED, notifications=(news,))])
    now = NOON + timedelta(seconds=1)
    assert [claim(control, now, "a").notification.kind for _ in "ab"] == ["page", "update"]


def test_a_lease_that_ran_out_is_free_again_and_its_first_owner_too_late(control, breach):
    owe(control, breach)
    now = NOON + timedelta(seconds=1)
    first = claim(control, now, "a")
    second = claim(control, LATER, "b", until=LATER + timedelta(minutes=5))
    assert (first.attempt, second.attempt) == (1, 2)
    assert (first.doubtful, second.doubtful) == (False, True)
    assert not control.outbox.delivered([first], LATER, message="1")
    assert control.outbox.delivered([second], LATER, message="2")
    assert claim(control, LATER, "a") is None


def test_a_worker_that_claims_again_cannot_settle_its_earlier_claim(control, breach):
    owe(control, breach)
    first = claim(control, NOON + timedelta(seconds=1), "a")
    claim(control, LATER, "a", until=LATER + timedelta(minutes=5))
    assert not control.outbox.failed([first], LATER, "status 404")


def test_a_queue_for_each_receiver_that_something_is_due_to(control, breach):
    owe(control, breach)
    owe_more = replace(breach, id="2", case_id="contract:clm:C-2")
    owe(control, owe_more, receiver="default/webhook")
    assert control.outbox.queues(NOON) == []
    now = NOON + timedelta(seconds=1)
    found = {queue.receiver: queue.waiting for queue in control.outbox.queues(now)}
    assert found == {"default/log": 1, "default/webhook": 1}
    assert claim(control, now, "a", receiver="default/mail") is None


def test_many_workers_claim_everything_once(control, control_settings, clock, breach):
    for number in range(40):
        owe(control, replace(breach, id=f"{number:02}", case_id=f"contract:clm:C-{number}"))
    now, until = NOON + timedelta(hours=1), NOON + timedelta(hours=2)
    claimed: list[str] = []

    def work(owner: str) -> None:
        store = ControlStore.open(control_settings, clock)
        while (one := claim(store, now, owner, until=until)) is not None:
            claimed.append(one.notification.incident_id)
        store.close()

    threads = [threading.Thread(target=work, args=(str(number),)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(claimed) == [f"{number:02}" for number in range(40)]


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
