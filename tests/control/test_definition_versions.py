"""Definitions as they were active, for rebuilds and as-of questions."""

from __future__ import annotations

import threading
from datetime import date, timedelta

from control_databases import NOON

from threadline.store.control.definitions import digest


def test_what_was_active_at_an_instant_is_found_again(control, clock):
    control.definitions.activate("journey", {"a": {"x": 1}, "b": {"x": 1}})
    clock.move_to(NOON + timedelta(hours=1))
    control.definitions.activate("journey", {"a": {"x": 2}, "c": {}})

    def active(at=None):
        return {name: v.content for name, v in control.definitions.active("journey", at).items()}

    assert active(NOON - timedelta(microseconds=1)) == {}
    assert active(NOON) == {"a": {"x": 1}, "b": {"x": 1}}
    assert active(NOON + timedelta(minutes=59)) == {"a": {"x": 1}, "b": {"x": 1}}
    assert active() == {"a": {"x": 2}, "c": {}}
    assert control.definitions.active("kpi") == {}


def test_activating_the_same_again_appends_nothing(control, clock):
    first = control.definitions.activate("journey", {"a": {"x": 1, "y": [1, 2]}})
    clock.move_to(NOON + timedelta(hours=1))
    assert len(first) == 1
    assert control.definitions.activate("journey", {"a": {"y": [1, 2], "x": 1}}) == []
    assert control.definitions.changes("journey") == 1


def test_a_withdrawn_definition_may_come_back(control, clock):
    control.definitions.activate("journey", {"a": {"x": 1}})
    control.definitions.activate("journey", {})
    assert control.definitions.active("journey") == {}
    assert control.definitions.activate("journey", {"a": {"x": 1}})
    assert set(control.definitions.active("journey")) == {"a"}
    assert control.definitions.changes("journey") == 3


def test_dates_of_a_yaml_file_are_kept_as_text(control):
    control.definitions.activate("calendar", {"de": {"closed": [date(2026, 12, 24)]}})
    assert control.definitions.active("calendar")["de"].content == {"closed": ["2026-12-24"]}
    assert control.definitions.activate("calendar", {"de": {"closed": [date(2026, 12, 24)]}}) == []


def test_a_digest_does_not_depend_on_the_order_of_keys():
    assert digest({"a": 1, "b": 2}) == digest({"b": 2, "a": 1})
    assert digest({"a": [1, 2]}) != digest({"a": [2, 1]})


def test_activations_at_once_append_once(control):
    together = threading.Barrier(4)

    def activate() -> None:
        for number in range(10):
            together.wait()
            control.definitions.activate(f"kind-{number}", {"a": {"x": 1}})

    threads = [threading.Thread(target=activate) for _ in range(together.parties)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [control.definitions.changes(f"kind-{number}") for number in range(10)] == [1] * 10


def test_an_activation_is_in_the_audit(control, clock):
    (version,) = control.definitions.activate("journey", {"a": {"x": 1}}, who="ana")
    (entry,) = control.audit.latest()
    assert (entry.at, entry.who, entry.what) == (NOON, "ana", "definitions.journey.activated")
    assert entry.detail == {"a": version.digest}
