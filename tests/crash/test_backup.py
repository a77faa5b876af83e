"""A backup of a service under load, and what a service over the restored one tells.

It derives a world twice over, which takes longer than the other tests have: `make crash` runs it.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from crash_tape import TapeSender
from judge.recorder import END, record
from judge.tape import tape
from killable_service import Service, free_ports

from threadline.simulator import World

TESTS = Path(__file__).parents[1]


@pytest.mark.skipif("THREADLINE_KILLS" not in os.environ, reason="make crash runs it")
@pytest.mark.timeout(300)
def test_a_restored_backup_tells_everything_acknowledged_before_it_began(tmp_path: Path) -> None:
    world, data, kept = (tmp_path / name for name in ("world", "data", "kept"))
    record(World(5, 8, now=END, scenario_name="dirty-data"), world)
    data.mkdir()
    http, grpc, api = (f"127.0.0.1:{port}" for port in free_ports(3))
    service = Service(data=data, http=http, grpc=grpc, api=api)
    service.start()
    service.wait_until_ready()
    sender = TapeSender(http, world)
    sender.start()
    try:
        sender.wait_for(len(list(tape(world))))
        made = _threadline(service, "backup", str(kept))
        sender.wait_for(1)  # intake went on
    finally:
        sender.stop()
        service.kill()
    assert made.returncode == 0, made.stderr
    refused = _threadline(service, "restore", str(kept))
    assert (refused.returncode, "is not empty" in refused.stderr) == (2, True), refused.stderr

    restored = _threadline(service, "restore", "--force", str(kept))

    assert restored.returncode == 0, restored.stderr
    service.start()
    service.wait_until_ready()
    service.wait_until_derived()
    assert service.stop() == 0
    judged = [sys.executable, str(Path(__file__).with_name("judged.py")), str(data), str(world)]
    env = os.environ | {"PYTHONPATH": str(TESTS)}
    done = subprocess.run(judged, env=env, capture_output=True, text=True, check=True)
    assert int(done.stderr.split()[-2]) > 100
    assert done.stdout == ""


def _threadline(service: Service, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "threadline.cli", *arguments]
    env = os.environ | service.environment()
    return subprocess.run(command, env=env, capture_output=True, text=True, check=False)
