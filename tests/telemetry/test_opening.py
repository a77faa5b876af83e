"""What lies in the store's directory when it is opened.

A process can open chDB over one directory at a time, so these tests open in a process of their own.
"""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from threadline.settings import MIB

# Runs each script in `sys.argv[1:]`: a store by its directory, then what is said of it.
_OPEN = """
import json, os, subprocess, sys
from pathlib import Path
from threadline.errors import TelemetryUnavailable
from threadline.settings import TelemetrySettings
from threadline.store.telemetry import Telemetry

def opened(directory):
    return Telemetry.open(TelemetrySettings(dir=Path(directory), durable=False))

def look(directory):
    try:
        telemetry = opened(directory)
    except TelemetryUnavailable as error:
        return ["unavailable", str(error)]
    rows = telemetry.query("SELECT count() AS n FROM cursors")["n"].item()
    telemetry.close()
    return [rows, telemetry.rebuilt_because]
"""
_FILL = """
telemetry = opened(sys.argv[1])
telemetry.command("INSERT INTO cursors (partition, offset) SELECT number, 7 FROM numbers(100)")
telemetry.close()
print(json.dumps(None))
"""
_LOOK_TWICE = "print(json.dumps({d: [look(d), look(d)] for d in sys.argv[1:]}))"


def _run(script: str, *directories: Path) -> object:
    """What a process prints, as JSON, that opens stores as `script` says."""
    done = subprocess.run(
        [sys.executable, "-c", _OPEN + script, *map(str, directories)],
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


def _overwrite(*files: Path) -> None:
    assert files
    for file in files:
        file.write_bytes(b"garbage" * 10)


def _remove(*files: Path) -> None:
    assert files
    for file in files:
        file.unlink()


def _parts(directory: Path, name: str) -> list[Path]:
    """That file of every part of the table `cursors`, and of no other table."""
    (definition,) = directory.glob("store/*/*/cursors.sql")
    (uuid,) = re.findall(r"UUID '([0-9a-f-]+)'", definition.read_text())
    return list(directory.glob(f"store/*/{uuid}/all_*/{name}"))


def _replace(directory: Path) -> None:
    shutil.rmtree(directory)
    directory.write_text("not a directory")


FAULTS: dict[str, Callable[[Path], None]] = {
    "nothing": lambda d: None,
    "a table's definition is garbage": lambda d: _overwrite(*d.glob("store/*/*/cursors.sql")),
    "a table's definition is gone": lambda d: _remove(*d.glob("store/*/*/cursors.sql")),
    "a database's definition is garbage": lambda d: _overwrite(d / "metadata/threadline.sql"),
    "a part's data is garbage": lambda d: _overwrite(*_parts(d, "data.bin")),
    "a part's data is gone": lambda d: _remove(*_parts(d, "data.bin")),
    "a part's checksums are garbage": lambda d: _overwrite(*_parts(d, "checksums.txt")),
    "a file lies there": _replace,
}

Looks = dict[str, list[list[object]]]


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store with 100 rows in it, to be copied."""
    directory = tmp_path_factory.mktemp("sound") / "telemetry"
    _run(_FILL, directory)
    return directory


@pytest.fixture(scope="module")
def looks(sound: Path, tmp_path_factory: pytest.TempPathFactory) -> Looks:
    """By fault, what two openings in a row find in a store that has it."""
    directories = {}
    for fault, damage in FAULTS.items():
        directories[fault] = _copied(sound, tmp_path_factory.mktemp("fault"))
        damage(directories[fault])
    found = _run(_LOOK_TWICE, *directories.values())
    assert isinstance(found, dict)
    return {fault: found[str(directory)] for fault, directory in directories.items()}


@pytest.fixture
def directory(sound: Path, tmp_path: Path) -> Path:
    return _copied(sound, tmp_path)


def _copied(sound: Path, into: Path) -> Path:
    return Path(shutil.copytree(sound, into / "telemetry", symlinks=True))


def test_a_sound_store_is_taken_as_it_is(looks: Looks) -> None:
    assert looks["nothing"] == [[100, None], [100, None]]


@pytest.mark.parametrize("fault", [fault for fault in FAULTS if fault != "nothing"])
def test_a_damaged_store_gives_way_to_an_empty_one_and_says_so(fault: str, looks: Looks) -> None:
    (rows, reason), again = looks[fault]
    assert rows == 0
    assert reason
    assert again == [0, None]


def test_only_the_last_damaged_store_is_kept(directory: Path) -> None:
    script = """
for _ in range(2):
    (Path(sys.argv[1]) / "metadata/threadline.sql").write_bytes(b"garbage")
    look(sys.argv[1])
print(json.dumps(look(sys.argv[1])))
"""
    assert _run(script, directory) == [0, None]
    kept = [path.name for path in directory.parent.iterdir() if "broken" in path.name]
    assert kept == ["telemetry.broken-2"]


def test_tables_of_another_version_are_made_anew(directory: Path) -> None:
    script = """
telemetry = opened(sys.argv[1])
telemetry.command("INSERT INTO built_under VALUES ('schema', 'other', 1)")
telemetry.close()
print(json.dumps([look(sys.argv[1]), look(sys.argv[1])]))
"""
    assert _run(script, directory) == [[0, "the tables are of another version"], [0, None]]


def test_a_store_in_use_is_refused_and_left_alone(directory: Path) -> None:
    other = _OPEN + "print(json.dumps(look(sys.argv[1])))"
    script = f"""
telemetry = opened(sys.argv[1])
other = [sys.executable, "-c", {other!r}, sys.argv[1]]
said = subprocess.run(other, capture_output=True, text=True, check=True).stdout
telemetry.close()
print(json.dumps([os.getpid(), json.loads(said), look(sys.argv[1])]))
"""
    found = _run(script, directory)
    assert isinstance(found, list)
    pid, (state, message), after = found
    assert state == "unavailable"
    assert f"is in use by process {pid}" in message
    assert after == [100, None]


def test_what_nothing_can_take_the_place_of_is_put_back(directory: Path) -> None:
    _overwrite(directory / "metadata/threadline.sql")
    script = """
import threadline.store.telemetry.engine as engine

def refuse(client):
    raise engine.Damaged("nothing starts here")

engine.check = refuse
print(json.dumps(look(sys.argv[1])))
"""
    found = _run(script, directory)
    assert isinstance(found, list)
    assert found[0] == "unavailable"
    assert (directory / "metadata/threadline.sql").read_bytes().startswith(b"garbage")
    assert [path.name for path in directory.parent.iterdir() if "broken" in path.name] == []


def test_the_engine_is_bounded_whatever_lies_in_the_working_directory(directory: Path) -> None:
    # chDB reads a config.xml of the working directory unless it is given another.
    (directory.parent / "config.xml").write_text(
        "<clickhouse><max_server_memory_usage>123456789</max_server_memory_usage></clickhouse>"
    )
    script = """
os.chdir(Path(sys.argv[1]).parent)
telemetry = opened(sys.argv[1])
setting = "SELECT value FROM system.server_settings WHERE name = 'max_server_memory_usage'"
print(json.dumps(telemetry.query(setting)["value"].item()))
telemetry.close()
"""
    assert _run(script, directory) == str(900 * MIB)
