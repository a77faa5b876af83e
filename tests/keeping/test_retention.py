"""Bodies go when they were kept long enough, or the oldest when the disk budget is used up."""

from __future__ import annotations

from datetime import timedelta

from keeping.conftest import NOW


def test_bodies_are_kept_for_ever_by_default(house):
    kept = house()
    for day in range(4):
        kept.receive(day)
    kept.clock.move_to(NOW + timedelta(days=4_000))

    kept.keeper.turn()

    assert kept.keeper.retain() == []
    assert kept.dropped() == []


def test_bodies_older_than_the_retention_go_and_it_is_on_record(house):
    kept = house(retention={"bodies_days": 30})
    for day in range(4):
        kept.receive(day)
    kept.clock.move_to(NOW + timedelta(days=31))
    assert [one.segment.first for one in kept.keeper.due()] == [1, 2]
    assert kept.dropped() == []

    kept.keeper.retain()

    assert kept.dropped() == [(1, "kept for 30 days"), (2, "kept for 30 days")]
    acts = [one for one in kept.control.audit.latest() if one.what == "bodies.dropped"]
    assert [(one.who, one.detail["first"]) for one in acts] == [
        ("threadline", 2),
        ("threadline", 1),
    ]
    assert all(one.detail["freed_bytes"] > 30_000 for one in acts)
    assert [one.position.offset for one in kept.log.read({}, 1 << 30, 9)] == [1, 2, 3, 4]


def test_the_newest_segment_stays_however_old(house):
    kept = house(retention={"bodies_days": 30})
    kept.receive(0)
    kept.clock.move_to(NOW + timedelta(days=400))

    assert kept.keeper.retain() == []


def test_the_oldest_bodies_go_until_the_budget_is_kept_and_no_further(house):
    first = house()
    for day in range(6):
        first.receive(day)
    first.log.close()
    before = house()
    taken = before.keeper.standing().usage.total
    before.log.close()
    kept = house(disk={"budget_bytes": taken - 100_000})
    kept.clock.move_to(NOW + timedelta(days=6))

    kept.keeper.turn()

    assert [first for first, _ in kept.dropped()] == [1, 2]
    assert "budget" in kept.dropped()[0][1]
    assert kept.keeper.standing().usage.total <= taken - 100_000
    assert kept.registry.get_sample_value("threadline_disk_bytes", {"class": "sealed"}) > 0


def test_a_budget_that_nothing_can_meet_keeps_what_is_understood_and_says_so(house):
    kept = house(disk={"budget_bytes": 10_000})
    for day in range(3):
        kept.receive(day)

    kept.keeper.turn()

    assert [first for first, _ in kept.dropped()] == [1, 2]
    assert len(kept.log.read({}, 1 << 30, 9)) == 3
    assert "0.00 GB are left" in kept.keeper.warning


def test_it_warns_early_with_the_days_that_are_left(house):
    kept = house(disk={"budget_bytes": 1_000_000, "warn_share": 0.1})
    assert kept.keeper.standing().days_left is None
    for day in range(3):
        kept.receive(day)
        kept.keeper.turn()

    left = kept.keeper.standing()

    (begun, first), *_, (ended, last) = kept.keeper._forecast._samples
    rate = (last - first) / ((ended - begun) / timedelta(days=1))
    assert left.days_left == (1_000_000 - left.usage.total) / rate
    assert f"{left.days_left:.1f} days" in kept.keeper.warning
