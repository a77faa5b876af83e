"""The audit is a chain: what is changed, removed or added behind its back is found and named."""

from __future__ import annotations

import threading
from dataclasses import replace
from datetime import timedelta

import pytest
from alembic import command
from control_databases import NOON
from sqlalchemy import text

from threadline.store.control import ControlStore, migration
from threadline.store.control.audit import AuditEntry, append
from threadline.store.control.chain import Tampered, verified
from threadline.store.control.engine import connect


@pytest.fixture
def chain(control, clock):
    for number in range(4):
        control.audit.record("ana", "input.read", fact=f"f-{number}", words="naïve €", share=0.1)
        clock.move_to(clock.now() + timedelta(microseconds=1))
    return list(control.audit.whole())


def test_every_record_follows_the_one_before(chain):
    head = verified(chain)

    assert (head.records, head.hash) == (4, chain[-1].hash)
    assert chain[0].previous == ""
    assert len({record.hash for record in chain}) == 4


@pytest.mark.parametrize(
    "change",
    [
        {"who": "eve"},
        {"what": "input.forgotten"},
        {"at": NOON - timedelta(microseconds=1)},
        {"detail": {"fact": "f-9"}},
    ],
)
def test_a_changed_record_is_named(chain, change):
    chain[2] = replace(chain[2], **change)

    with pytest.raises(Tampered, match=f"record {chain[2].number}: its content does not give"):
        verified(chain)


def test_a_missing_record_is_found_wherever_it_was(chain):
    with pytest.raises(Tampered, match=f"record {chain[1].number}: it is not the first"):
        verified(chain[1:])
    with pytest.raises(Tampered, match=f"record {chain[2].number}: it does not follow"):
        verified([chain[0], *chain[2:]])
    assert verified(chain[:-1]).records == 3  # a shorter chain looks whole…
    with pytest.raises(Tampered, match="cut off"):
        verified(chain[:-1], anchor=chain[-1].hash)  # …unless its end is known


def test_a_chain_written_anew_does_not_hold_an_earlier_head(control, chain):
    with pytest.raises(Tampered, match="cut off"):
        verified(chain, anchor="f" * 64)


def test_pages_go_on_where_the_last_one_ended(control, chain):
    first = control.audit.after(limit=3)
    rest = control.audit.after(first[-1].number, limit=3)

    assert [*first, *rest] == chain
    assert control.audit.after(rest[-1].number) == []
    assert control.audit.latest(1) == chain[-1:]


def test_a_record_waits_until_the_one_before_it_is_stored(control, clock):
    started = threading.Event()

    def record() -> None:
        started.set()
        control.audit.record("ben", "second")

    other = threading.Thread(target=record)
    with control._transactions.write() as connection:
        append(connection, AuditEntry(at=clock.now(), who="ana", what="first", detail={}))
        other.start()
        started.wait()
        other.join(0.3)
        assert other.is_alive()
    other.join()

    assert verified(control.audit.whole()).records == 2


def test_records_of_before_the_chain_are_chained_by_the_migration(control_settings, clock):
    engine = connect(control_settings)
    with engine.connect().execution_options(writes=True) as connection, connection.begin():
        config = migration._config()
        config.attributes["connection"] = connection
        command.upgrade(config, "0001")
        for number in range(3):
            connection.execute(
                text("INSERT INTO audit (at, who, what, detail) VALUES (:at, 'ana', 'x', :n)"),
                {"at": f"2026-03-02 12:00:0{number}.000000", "n": f'{{"n": {number}}}'},
            )
    engine.dispose()

    store = ControlStore.open(control_settings, clock)
    store.migrate()
    store.audit.record("ben", "y")

    assert verified(store.audit.whole()).records == 4
    assert [record.detail for record in store.audit.whole()][:3] == [{"n": 0}, {"n": 1}, {"n": 2}]
    store.close()
