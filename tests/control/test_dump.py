"""A control store written out and read in again, on either database."""

from __future__ import annotations

from pathlib import Path

import pytest
from control_databases import NOON

from threadline.clock import FixedClock
from threadline.model.identifiers import Identifier
from threadline.settings import ControlSettings
from threadline.store.control import ControlStore
from threadline.store.control.chain import verified
from threadline.store.control.dump import NotEmpty

CHILD, PARENT = Identifier.parse("project:erp:P-1"), Identifier.parse("contract:crm:C-1")


def test_what_was_written_out_is_what_is_read_in_and_goes_on(
    control: ControlStore, tmp_path: Path
) -> None:
    control.definitions.activate("metrics", {"kpi": {"of": "cases", "target": 0.5}})
    control.rulings.rule("assert", "belongs_to", CHILD, PARENT, who="support", why="é")
    control.audit.record("admin", "input.read", by="x", items=[1, None])
    (tmp_path / "dump").mkdir()
    list(control.dump(tmp_path / "dump"))
    with pytest.raises(NotEmpty):
        control.load(tmp_path / "dump")
    other = ControlStore.open(ControlSettings(path=tmp_path / "o.sqlite"), FixedClock(NOON))
    other.migrate()

    other.load(tmp_path / "dump")

    assert list(other.audit.whole()) == list(control.audit.whole())
    assert other.rulings.up_to(10) == control.rulings.up_to(10)
    assert other.definitions.active("metrics") == control.definitions.active("metrics")
    other.audit.record("admin", "input.read")
    assert verified(other.audit.whole()).records == verified(control.audit.whole()).records + 1
    other.close()


def test_postgresql_numbers_new_rows_behind_those_read_in(
    control: ControlStore, tmp_path: Path
) -> None:
    source = ControlStore.open(ControlSettings(path=tmp_path / "s.sqlite"), FixedClock(NOON))
    source.migrate()
    for _ in range(3):
        source.audit.record("admin", "input.read")
    (tmp_path / "dump").mkdir()
    list(source.dump(tmp_path / "dump"))
    source.close()

    control.load(tmp_path / "dump")
    control.audit.record("admin", "input.read")

    assert verified(control.audit.whole()).records == 4
