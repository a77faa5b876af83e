"""Two services over one database: who lost the lease stores nothing, and nothing is overlooked."""

from __future__ import annotations

from datetime import timedelta

import pytest

from alerts.service import AlertsService, load_policies
from threadline.model.incidents import Briefing
from threadline.settings import AlertsSettings
from threadline.store.control import Fenced

LENGTH = timedelta(seconds=2)


class Evaluator:
    """One process: its lease and its alerting, over the cases of the desk."""

    def __init__(self, desk, name: str) -> None:
        self.desk, self.name, self.lease = desk, name, None
        self.service = AlertsService(
            desk.control,
            load_policies(AlertsSettings(webhook_url=desk.webhook.url)),
            desk.clock,
            briefing=lambda incident: Briefing(title=incident.journey),
            links=lambda _: {},
            fence=lambda: self.lease,
        )

    def ask(self) -> bool:
        now = self.desk.clock.now()
        self.lease = self.desk.control.leases.acquire("evaluator", self.name, now, LENGTH)
        return self.lease is not None

    def evaluate(self):
        self.desk.service, kept = self.service, self.desk.service
        try:
            return self.desk.evaluate()
        finally:
            self.desk.service = kept


@pytest.fixture
def two(desk):
    evaluators = Evaluator(desk, "a"), Evaluator(desk, "b")
    yield evaluators
    for one in evaluators:
        one.service.close()


def test_who_stood_still_and_lost_the_lease_stores_nothing(desk, two):
    first, second = two
    desk.case()
    assert first.ask()
    assert not second.ask()
    desk.move(hours=3)
    assert second.ask()
    with pytest.raises(Fenced):
        first.evaluate()
    assert desk.control.incidents.live() == []
    assert second.evaluate() == {"opened": 1}
    with pytest.raises(Fenced):
        first.service.escalate(desk.clock.now() + timedelta(hours=9))
    assert first.service.send(desk.clock.now())["delivered"] > 0


def test_a_successor_does_not_judge_by_an_earlier_instant_than_its_predecessor(desk, two):
    first, second = two
    assert second.ask()
    second.evaluate()
    desk.control.leases.release(second.lease)
    desk.case()
    desk.move(hours=3)
    assert first.ask()
    assert first.evaluate() == {"opened": 1}
    desk.control.leases.release(first.lease)
    desk.move(hours=2)
    assert second.ask()
    assert second.evaluate() == {"behind": 1}


def test_what_somebody_changed_meanwhile_is_counted_and_judged_again(desk, monkeypatch):
    desk.case()
    desk.at(hours=1)
    desk.move(hours=3)
    incidents = desk.control.incidents
    commit = incidents.commit

    def noted_first(changes, *, fence=None):
        monkeypatch.setattr(incidents, "commit", commit)
        desk.service.note(changes[0].incident.id, text="looking", who="billing-primary")
        return commit(changes, fence=fence)

    monkeypatch.setattr(incidents, "commit", noted_first)
    assert desk.evaluate() == {"overtaken": 1}
    assert desk.evaluate() == {"raised": 1}
