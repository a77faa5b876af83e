"""Killed at chosen points, torn, corrupted, its clock moved, its disk full: nothing is lost.

`THREADLINE_KILLS` says how many faults there are (make crash N=300); each is followed by another
start over the same directory, while senders go on.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from random import Random

import pytest
from crash_tape import TapeSender
from judge.recorder import END, record
from killable_service import Service, free_ports

from threadline.simulator import World

KILLS = int(os.environ.get("THREADLINE_KILLS", "10"))
BREAKING = Path(__file__).with_name("breaking_service.py")
TESTS = Path(__file__).parents[1]
Fault = Callable[[Service, TapeSender, Random], None]


@pytest.fixture
def world(tmp_path: Path) -> Path:
    directory = tmp_path / "world"
    record(World(5, 16, now=END, scenario_name="dirty-data"), directory)
    return directory


@pytest.fixture
def service(tmp_path: Path) -> Iterator[Service]:
    http, grpc, api = (f"127.0.0.1:{port}" for port in free_ports(3))
    data = tmp_path / "data"
    data.mkdir()
    running = Service(data=data, http=http, grpc=grpc, api=api)
    yield running
    if running.process is not None and running.process.poll() is None:
        running.kill()


@pytest.fixture
def sender(service: Service, world: Path) -> Iterator[TapeSender]:
    sending = TapeSender(service.http, world)
    sending.start()
    yield sending
    sending.stop()


def at_random(service: Service, sender: TapeSender, random: Random) -> None:
    """Killed from outside whenever it happens to be."""
    service.start()
    sender.wait_for(random.randrange(1, 60))
    service.kill()


def _at(point: str) -> Fault:
    def killed(service: Service, sender: TapeSender, random: Random) -> None:
        command = [str(BREAKING), point, str(random.randrange(1, 25)), "0"]
        service.start(command)
        service.wait_until_dead()

    killed.__name__ = point
    return killed


def torn(service: Service, sender: TapeSender, random: Random) -> None:
    """Killed while it writes: half a frame stands behind the last one in the log."""
    at_random(service, sender, random)
    for file in (service.data / "log").glob("*-wal"):
        with file.open("ab") as log:
            log.write(random.randbytes(random.randrange(1, 3_000)))


def corrupted(service: Service, sender: TapeSender, random: Random) -> None:
    """A file of the index is cut off while the service is down."""
    at_random(service, sender, random)
    for part in _part(service, random):
        os.truncate(part, part.stat().st_size // 2)


def flipped(service: Service, sender: TapeSender, random: Random) -> None:
    """A bit inside a file of the index turns over while the service is down."""
    at_random(service, sender, random)
    for part in _part(service, random):
        with part.open("r+b") as data:
            place = random.randrange(part.stat().st_size)
            data.seek(place)
            bits = data.read(1)[0]
            data.seek(place)
            data.write(bytes([bits ^ 1 << random.randrange(8)]))


def _part(service: Service, random: Random) -> list[Path]:
    """The data of one part of the index, if there is any yet."""
    files = sorted((service.data / "telemetry").rglob("data.bin"))
    parts = [file for file in files if file.stat().st_size]
    return random.sample(parts, min(1, len(parts)))


def clock_jumped(service: Service, sender: TapeSender, random: Random) -> None:
    """The machine's clock is hours off, forwards or back, while it runs; then it is killed."""
    service.start([str(BREAKING), "nowhere", "0", str(random.choice((-30, -2, 2, 30)))])
    sender.wait_for(random.randrange(1, 60))
    service.kill()


FAULTS: tuple[Fault, ...] = (
    at_random,
    _at("between append and reply"),
    _at("between two tables"),
    _at("between result and cursor"),
    _at("inside a merge"),
    _at("at start-up"),
    torn,
    corrupted,
    flipped,
    clock_jumped,
)


def _name(number: int) -> str:
    if 0 <= number < KILLS:
        return f"fault {number} of {KILLS}, {FAULTS[number % len(FAULTS)].__name__}"
    return "none"


@contextmanager
def _named(number: int) -> Iterator[None]:
    """Whatever goes wrong says during which fault it did, and after which other."""
    try:
        yield
    except Exception as error:
        before, here = (_name(each) for each in (number - 1, number))
        error.add_note(f"during {here}; before it: {before}")
        raise


@pytest.mark.timeout(120 + 20 * KILLS)
def test_whatever_breaks_the_service_tells_what_was_acknowledged_and_nothing_twice(
    service: Service, sender: TapeSender, world: Path
) -> None:
    for number in range(KILLS):
        with _named(number):
            FAULTS[number % len(FAULTS)](service, sender, Random(number))
    with _named(KILLS):
        _settle(service, sender)
        assert _differences(service, world) == ""


@pytest.mark.timeout(300)
def test_a_full_disk_refuses_what_it_cannot_keep_and_takes_it_once_there_is_room(
    service: Service, sender: TapeSender, world: Path
) -> None:
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=256m", "tmpfs", str(service.data)],
        capture_output=True,
        check=False,
    )
    if mounted.returncode:
        pytest.skip("mounting a small disk needs root")
    try:
        service.start()
        sender.wait_for(20)
        filler = service.data / "filler"
        _fill(filler)
        sender.wait_for_refusals(5)
        filler.unlink()
        _settle(service, sender)
        assert _differences(service, world) == ""
    finally:
        if service.process is not None and service.process.poll() is None:
            service.kill()
        subprocess.run(["umount", str(service.data)], check=True)


def _fill(file: Path) -> None:
    with file.open("wb", buffering=0) as rest:
        try:
            while True:
                rest.write(b"\0" * 4096)
        except OSError:
            return


def _settle(service: Service, sender: TapeSender) -> None:
    if service.process is None or service.process.poll() is not None:
        service.start()
        service.wait_until_ready()
    sender.finish()
    service.wait_until_derived()
    assert service.stop() == 0


def _differences(service: Service, world: Path) -> str:
    done = subprocess.run(
        [sys.executable, str(Path(__file__).with_name("judged.py")), str(service.data), str(world)],
        env=os.environ | {"PYTHONPATH": str(TESTS)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert int(done.stderr.split()[-2]) > 500
    return done.stdout
