"""Prints how a stopped service's tables differ from observable truth: `judged.py DATA TAPE`.

In a process of its own, as chDB has one directory. When something was received, and hence known,
is not judged: the service was killed and asked again in between. All of it was received months
after it happened, so no clock was ahead.
"""

from __future__ import annotations

import sys
from pathlib import Path

from judge.judgement import Judgement, hold_tables
from judge.observable import Truth
from judge.tape import tape

from metrics import definitions
from threadline import settings
from threadline.store.telemetry import Telemetry

if __name__ == "__main__":
    data, world = Path(sys.argv[1]), Path(sys.argv[2])
    truth = Truth(tape(world), definitions.load())
    store = Telemetry.open(settings.load(data_dir=data).telemetry)
    judgement = Judgement(world=world.name, order="crashed")
    for case in truth.told.cases.values():
        case["annotations"] = [mark for mark in case["annotations"] if mark != "clock-ahead"]
    hold_tables(store, truth, judgement, unjudged={"known_at"})
    store.close()
    print(f"{sum(judgement.compared.values())} compared", file=sys.stderr)
    for difference in judgement.differences:
        print(difference)
