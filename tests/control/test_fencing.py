"""One of several processes does the work; who lost it stores nothing, whatever the clocks say."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import timedelta

import pytest
from control_databases import NOON
from sqlalchemy import text

from threadline.model.incidents import Change, IncidentEvent
from threadline.settings import ControlSettings
from threadline.store.control import ControlStore, Fenced, leases
from threadline.store.control.engine import connect
from threadline.store.control.transactions import Transactions

LENGTH = timedelta(seconds=2)
OPENED = IncidentEvent(at=NOON, what="opened")


def ask(control: ControlStore, holder: str, after: float):
    """`holder` asks so many seconds after noon by its own clock."""
    return control.leases.acquire("evaluator", holder, NOON + timedelta(seconds=after), LENGTH)


def test_one_holds_it_and_renews_it_and_the_other_waits(control):
    first = ask(control, "a", 0)
    assert (first.token, first.until) == (1, NOON + LENGTH)
    for second in range(1, 9):
        assert ask(control, "b", second) is None
        assert ask(control, "a", second).token == 1
    assert control.leases.current("evaluator").until == NOON + timedelta(seconds=10)


def test_a_holder_that_died_is_succeeded_once_its_lease_stood_unrenewed(control):
    ask(control, "a", 0)
    assert [ask(control, "b", after) for after in (0.5, 1.5, 2.4)] == [None] * 3
    taken = ask(control, "b", 2.5)
    assert (taken.holder, taken.token) == ("b", 2)
    assert ask(control, "a", 2.6) is None


@pytest.mark.parametrize("off", [-86_400, 86_400])
def test_a_clock_that_is_a_day_off_takes_it_from_nobody_who_lives(control, off):
    ask(control, "a", 0)
    for second in range(5):
        assert ask(control, "b", second + off) is None
        assert ask(control, "a", second) is not None
    assert ask(control, "b", 5 + off) is None
    assert ask(control, "b", 7 + off).token == 2


def test_a_clock_that_is_set_back_waits_from_then_on(control):
    ask(control, "a", 0)
    assert [ask(control, "b", after) for after in (1, -3600, -3599)] == [None] * 3
    assert ask(control, "b", -3598).token == 2


def test_what_is_released_is_free_at_once_and_a_lost_one_cannot_be_released(control):
    lost = ask(control, "a", 0)
    control.leases.release(lost)
    assert control.leases.current("evaluator") is None
    assert ask(control, "b", 0).token == 2
    control.leases.release(lost)
    assert control.leases.current("evaluator").holder == "b"


def test_of_many_that_ask_at_once_one_gets_it(control, control_settings, clock):
    got = []

    def work(holder: str) -> None:
        store = ControlStore.open(control_settings, clock)
        got.append(ask(store, holder, 0))
        store.close()

    threads = [threading.Thread(target=work, args=(str(number),)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [lease.token for lease in got if lease] == [1]


def test_who_lost_it_stores_nothing(control, breach):
    lost = ask(control, "a", 0)
    control.leases.release(lost)
    held = ask(control, "b", 0)
    change = Change(incident=breach, event=OPENED)
    with pytest.raises(Fenced, match="taken over as evaluator; lease 1 is void"):
        control.incidents.commit([change], fence=lost)
    assert control.incidents.live() == []
    assert control.incidents.commit([change], fence=held) == [change]
    control.leases.release(held)
    with pytest.raises(Fenced):
        control.incidents.commit([change], fence=held)


@pytest.fixture
def transactions(
    control: ControlStore, control_settings: ControlSettings
) -> Iterator[Transactions]:
    opened = Transactions(connect(control_settings))
    yield opened
    opened.close()


def test_nobody_takes_over_between_the_look_at_the_fence_and_the_commit(control, transactions):
    held = ask(control, "a", 0)
    ask(control, "b", 0)
    taken = []
    thread = threading.Thread(target=lambda: taken.append(ask(control, "b", 2)))
    with transactions.write() as connection:
        leases.require(connection, held)
        thread.start()
        thread.join(0.2)
        assert taken == []
    thread.join()
    assert taken[0].token == 2


def test_who_stands_still_while_it_stores_is_not_waited_for(control, transactions):
    held = ask(control, "a", 0)
    with transactions.write() as connection:
        leases.require(connection, held)
        if connection.dialect.name == "postgresql":
            asked = connection.execute(text("SHOW idle_in_transaction_session_timeout"))
            assert asked.scalar_one() == "2s"


def test_leases_are_in_no_backup(control, tmp_path):
    ask(control, "a", 0)
    names = {file.name for file in control.dump(tmp_path)}
    assert "leases.ndjson" not in names
    assert "incidents.ndjson" in names
