"""How soon a receiver hears of a passed deadline, and of a fact, with a million open cases.

    make bench-deadlines       (or: PYTHONPATH=tests python bench/deadlines.py --cases 1000000)

Open cases whose promises end years from now are put into a store; then, while the service runs, the
promises of a few end one after the other. Heard is when the notification reached the socket of a
webhook on this machine. Then facts come in that break something: three contracts fail at one hop by
an error of their own; it counts from the 200 of the intake. Then the service is stopped, and
promises end while it is away and while it starts: these count from when it is ready. The bar: p99
within two seconds.
"""

from __future__ import annotations

import argparse
import json
import shutil
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from benched_service import BenchedService
from contract_events import Intake, failed, opened
from webhook_socket import Received, webhook

from threadline.settings import MIB, TelemetrySettings
from threadline.store.telemetry import Telemetry, cursors

BAR_SECONDS = 2.0
EVERY = timedelta(milliseconds=100)  # so far apart the promises end

_POLICY = """
policy: default
rules: [{when: case-deadline}, {when: hop-failure}]
escalation: [{after: 0s, receivers: [webhook]}]
receivers: {webhook: {type: webhook, url: "${webhook_url}"}}
"""

_INSERT = """
INSERT INTO cases (journey, case_id, root_id, version, started_at, warn_at, due_at, known_at,
    current_step, current_since, waiting_systems, stuck_reason, stuck_message, value, currency,
    criticality, dimensions, annotations, exceptions, rework, facts, generation, deleted)
SELECT 'contract-activation', concat('contract:clm:', {prefix:String}, toString(number)) AS id, id,
    'bench', {start:DateTime64(9, 'UTC')}, NULL,
    {due:DateTime64(9, 'UTC')} + toIntervalMillisecond(number * {apart:UInt32}),
    {start:DateTime64(9, 'UTC')}, 'erp-project', {start:DateTime64(9, 'UTC')}, ['erp'], '', '',
    100000, 'EUR', 'revenue', '{}', [], 0, 0, 8, 1, 0
FROM numbers({count:UInt64})
"""


def main() -> int:
    given = _arguments()
    _fill(given.store, given.cases)
    with webhook() as received:
        report = _measured(given, received)
    print(json.dumps(report, indent=2))
    measured = (report["running"], report["from_facts"], report["after_a_restart"])
    return 0 if max(one["p99_seconds"] for one in measured) <= BAR_SECONDS else 1


def _measured(given: argparse.Namespace, received: Received) -> dict[str, Any]:
    settings = {
        "ALERTS__WEBHOOK_URL": received.url,
        "DEFINITIONS_DIR": str(_one_by_one(given.store)),
    }
    # In letters, for errors that differ in digits alone are one cause: what the last run on this
    # store has left open would take in the cases of this one.
    run = f"{_letters(int(time.time()))}-"
    due = datetime.now(UTC) + timedelta(seconds=given.lead)
    put(given.store, f"{run}running-", due, given.ending, EVERY)
    with _served(given.store, settings) as service:
        running = _noticed(received, f"{run}running-", due, given.ending, since=due)
        facts = _from_facts(service, received, run, given.facts)
        loaded = {"evaluations": service.evaluations(), "peak_rss_megabytes": service.peak_rss()}
        loaded["cpu_seconds"] = round(service.cpu_seconds(), 1)
    due = datetime.now(UTC) + timedelta(seconds=3)
    put(given.store, f"{run}restart-", due, given.ending, EVERY)
    with _served(given.store, settings):
        ready = datetime.now(UTC)
        restarted = _noticed(received, f"{run}restart-", due, given.ending, since=ready)
    return {
        "open_cases": given.cases,
        "running": running,
        "from_facts": facts,
        "after_a_restart": restarted,
        **loaded,
    }


def _one_by_one(directory: Path) -> Path:
    """Definitions by which many that are late at one step are not one incident, as shipped ones do:
    here each deadline is to be heard of.
    """
    definitions = directory / "definitions"
    (definitions / "policies").mkdir(parents=True, exist_ok=True)
    (definitions / "policies" / "default.yaml").write_text(_POLICY)
    return definitions


@contextmanager
def _served(directory: Path, settings: Mapping[str, str]) -> Iterator[BenchedService]:
    """A service over the store; it ends whatever happens, for the store is its alone."""
    service = BenchedService(directory, settings)
    try:
        yield service
    finally:
        service.stop()


def _fill(directory: Path, cases: int) -> None:
    """A store of so many open cases; one of another version, or half filled, is made anew."""
    if (directory / "telemetry").exists():
        telemetry = _opened(directory)
        found = telemetry.query("SELECT count() AS n FROM cases FINAL").item()
        telemetry.close()
        if found >= cases:
            return
        shutil.rmtree(directory)
    put(directory, "open-", datetime.now(UTC) + timedelta(days=3650), cases, timedelta())


def _opened(directory: Path) -> Telemetry:
    return Telemetry.open(
        TelemetrySettings(
            dir=directory / "telemetry", memory_bytes=4000 * MIB, query_memory_bytes=2000 * MIB
        )
    )


def put(directory: Path, prefix: str, due: datetime, count: int, apart: timedelta) -> None:
    """Open cases in the store, whose promises end from `due` on, so far `apart`."""
    telemetry = _opened(directory)
    asked = {"prefix": prefix, "count": count, "apart": apart // timedelta(milliseconds=1)}
    start = datetime.now(UTC) - timedelta(days=1)
    telemetry.command(_INSERT, {**asked, "start": start, "due": due})
    cursors.move(telemetry, {0: 0}, 1)  # so far the tables are whole; a later cursor stands
    telemetry.close()


def _noticed(
    received: Received, prefix: str, due: datetime, count: int, since: datetime
) -> dict[str, Any]:
    """How long after its end the webhook heard of each promise; `since`: not before that."""
    last = max(due + count * EVERY, datetime.now(UTC)) + timedelta(seconds=10)
    while (left := (last - datetime.now(UTC)).total_seconds()) > 0:
        time.sleep(left)
    heard = received.first_by_case()
    late = []
    for number in range(count):
        at = heard.get(f"{prefix}{number}")
        if at is not None:
            ended = max(due + number * EVERY, since)
            late.append(max(at - ended.timestamp(), 0.0))
    return _summary(count, late)


def _from_facts(
    service: BenchedService, received: Received, run: str, count: int
) -> dict[str, Any]:
    """How long after the 200 of the facts that broke it the webhook heard of a hop."""
    intake = Intake(service.intake)
    names = [[f"{run}{number}-{place}" for place in "abc"] for number in range(count)]
    for contracts in names:
        intake.post(event for name in contracts for event in opened(name))
    while service.behind():
        time.sleep(0.2)
    late = []
    for number, contracts in enumerate(names):
        error = f"refused by {run} {_letters(number)}"
        intake.post(failed(name, error) for name in contracts)
        acknowledged, seen = time.time(), len(received.bodies)
        while time.time() < acknowledged + 10:
            found = [at for at, body in received.bodies[seen - 1 :] if body.get("error") == error]
            if found:
                late.append(max(found[0] - acknowledged, 0.0))
                break
            received.wait_for(len(received.bodies) + 1, 0.2)
    return _summary(count, late)


def _letters(number: int) -> str:
    """A number without digits: those of an error do not tell causes apart."""
    return "".join(chr(ord("a") + int(digit)) for digit in str(number))


def _summary(count: int, late: Sequence[float]) -> dict[str, Any]:
    missed = [float("inf")] * (count - len(late))
    return {
        "ended": count,
        "heard": len(late),
        "p50_seconds": _percentile([*late, *missed], 50),
        "p99_seconds": _percentile([*late, *missed], 99),
    }


def _percentile(values: Sequence[float], share: int) -> float:
    ordered = sorted(values)
    if not ordered:
        return float("inf")
    return round(ordered[min(len(ordered) - 1, len(ordered) * share // 100)], 3)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--store", type=Path, default=Path(".bench/deadlines"))
    parser.add_argument("--cases", type=int, default=1_000_000)
    parser.add_argument("--ending", type=int, default=200)
    parser.add_argument("--facts", type=int, default=50)
    parser.add_argument("--lead", type=float, default=40.0, help="seconds until the first ends")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
