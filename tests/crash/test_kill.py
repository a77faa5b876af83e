"""The first law under `kill -9`. `THREADLINE_KILLS` says how often (make crash N=25)."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path
from random import Random

import pytest
from killable_service import Sender, Service, stored_facts

KILLS = int(os.environ.get("THREADLINE_KILLS", "3"))


@pytest.mark.timeout(60 + 20 * KILLS)
def test_nothing_acknowledged_is_lost_and_nothing_counts_twice(
    service: Service, sender: Sender, tmp_path: Path
):
    random = Random(KILLS)
    for number in range(KILLS):
        service.start()
        if number % 5 != 4:  # every fifth is killed while it starts
            sender.wait_for(random.randrange(1, 2_000))
        service.kill()
    service.start()
    service.wait_until_ready()
    sender.wait_for(1)
    sender.stopping.set()
    service.wait_until_derived()
    assert service.stop() == 0

    stored = stored_facts(tmp_path)

    acknowledged = {_fact(key) for key in sender.acknowledged}
    assert len(acknowledged) > 100 * KILLS
    assert acknowledged - stored.keys() == set()
    assert {key for key, times in stored.items() if times != 1} == set()


def _fact(key: str) -> str:
    if "/" in key:
        return key
    return hashlib.sha256(f"event|open|/clm|{key}".encode()).hexdigest()[:32]
