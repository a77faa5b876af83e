"""A backup of whole and sealed segments put back: the same tables, and nobody erased since."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

from pipeline.conftest import NOW
from pipeline.test_erasure import MAIL, Rooms, _become, _of_a_person

from collector.keeping import reduced
from threadline import settings as settings_module
from threadline.activation import Derivation
from threadline.backup import back_up, restore
from threadline.clock import FixedClock
from threadline.model.entries import Entry
from threadline.settings import Settings
from threadline.store.control import ControlStore
from threadline.store.log import Dropped
from threadline.store.telemetry import Telemetry


def test_a_restored_backup_derives_what_was_derived_and_erases_again(
    tmp_path: Path, telemetry: Telemetry, derivation: Derivation, inputs: Sequence[Entry]
):
    with _rooms(tmp_path, telemetry, derivation) as (rooms, settings):
        rooms.receive([_of_a_person(one, number) for number, one in enumerate(inputs[:45])])
        for segment in rooms.log.segments()[:1]:
            rooms.log.drop_bodies(segment.first, reduced, Dropped(at=segment.ended, why="old"))
        before = rooms.tables()
        back_up(settings, FixedClock(NOW), tmp_path / "kept", _silent, who="ops")
        erased = rooms.erasing.erase([MAIL], who="dpo", reason="asked", dry_run=False)

    telemetry.reset()
    restore(settings, FixedClock(NOW), tmp_path / "kept", _silent, force=True)

    with _rooms(tmp_path, telemetry, derivation) as (rooms, _):
        assert [one.dropped is None for one in rooms.log.segments()][:2] == [False, True]
        assert rooms.tables() == before
        rooms.erasing.resume()
        (pseudonym,) = erased.pseudonyms
        assert rooms.tables() == {table: _become(rows, pseudonym) for table, rows in before.items()}
        assert rooms.traces_of(MAIL) == []


@contextmanager
def _rooms(
    directory: Path, telemetry: Telemetry, derivation: Derivation
) -> Iterator[tuple[Rooms, Settings]]:
    data = directory / "data"
    with ExitStack() as stack:
        control = _control(settings_module.load(data_dir=data), stack)
        rooms = Rooms(data, telemetry, control, derivation, stack)
        yield rooms, rooms.settings


def _control(settings: Settings, stack: ExitStack) -> ControlStore:
    store = ControlStore.open(settings.control, FixedClock(NOW))
    stack.callback(store.close)
    store.migrate()
    return store


def _silent(done: int, total: int) -> None: ...
