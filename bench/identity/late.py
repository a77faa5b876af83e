"""A link that comes late: seconds until it has moved 100,000 facts, while intake goes on.

    PYTHONPATH=tests python bench/identity/late.py --facts 100000 --invoices 2000

Events of invoices under a project that no contract owns yet are logged and derived. Then, while a
sender keeps appending events of other contracts, the event that ties project and contract is
appended. The clock runs from its acknowledgement until the contract's thread counts every fact, and
until the cases of all invoices are derived; the bar is 5 s. Exit code 1 if it takes longer.
"""

from __future__ import annotations

import argparse
import itertools
import json
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

from feed import opened
from prometheus_client import CollectorRegistry

from collector import mapping
from metrics import definitions
from threadline.activation import Derivation
from threadline.clock import SystemClock
from threadline.instruments import PipelineInstruments
from threadline.model.entries import Entry
from threadline.pipeline import Pipeline
from threadline.settings import ControlSettings, LogSettings, PipelineSettings
from threadline.store.control import ControlStore
from threadline.store.log import Log
from threadline.store.telemetry import Telemetry
from threadline.store.telemetry.observations import members
from threadline.store.telemetry.threads import facts_of

BAR_SECONDS = 5
OF_A_REQUEST = 500
EVERY_SECONDS = 0.05  # a request of other contracts
OF_OTHERS = 100  # events in it
LIFE = [
    "erp.invoice.issued",
    "billing.invoice.delivered",
    "erp.invoice.posted",
    "erp.invoice.noted",
]
ROOT = "contract:clm:C-LATE"
CLOCK = SystemClock()

_CASES = """
SELECT count() FROM cases FINAL WHERE root_id = {root:String} AND journey = 'invoice-to-cash'
"""


def main() -> int:
    given = _arguments()
    with tempfile.TemporaryDirectory(prefix="threadline-bench-", dir=given.data) as data:
        report = _measured(Path(data), given.facts, given.invoices)
    print(json.dumps(report, indent=2))
    return 0 if report["seconds_until_cases"] < BAR_SECONDS else 1


def _measured(data: Path, facts: int, invoices: int) -> dict[str, Any]:
    with ExitStack() as stack:
        store = opened(data)
        stack.callback(store.close)
        log = Log.open(LogSettings(dir=data / "log"), CLOCK)
        stack.callback(log.close)
        pipeline = stack.enter_context(_deriving(data, log, store))
        begun = time.monotonic()
        events = _orphans(facts, invoices)
        while request := list(itertools.islice(events, OF_A_REQUEST)):
            log.append_blocking(_entry(request))
        _until(lambda: pipeline.status().entries_behind == 0)
        derived = time.monotonic() - begun
        with _others(log) as sent:
            _until(lambda: sent[0] > 20 * OF_OTHERS)
            before, start = sent[0], time.monotonic()
            log.append_blocking(_entry([_link()]))
            linked = time.monotonic()
            _until(lambda: facts_of(store, members(store, [ROOT]), limit=1)[1] >= facts)
            told = time.monotonic() - linked
            _until(lambda: store.query(_CASES, {"root": ROOT}).item() >= invoices)
            cases = time.monotonic() - linked
            return {
                "facts": facts,
                "invoices": invoices,
                "seconds_to_derive_them_as_orphans": round(derived, 1),
                "seconds_to_acknowledge_the_link": round(linked - start, 3),
                "seconds_until_the_thread_has_all": round(told, 2),
                "seconds_until_cases": round(cases, 2),
                "events_of_others_meanwhile": sent[0] - before,
            }


@contextmanager
def _deriving(data: Path, log: Log, store: Telemetry) -> Iterator[Pipeline]:
    """A pipeline at work on a thread of its own."""
    control = ControlStore.open(ControlSettings(path=data / "control.sqlite"), CLOCK)
    control.migrate()
    pipeline = Pipeline(
        log=log,
        telemetry=store,
        control=control,
        derivation=Derivation(mapping=mapping.load(), definitions=definitions.load()),
        clock=CLOCK,
        settings=PipelineSettings(),
        instruments=PipelineInstruments(CollectorRegistry()),
    )
    thread = threading.Thread(target=pipeline.run)
    thread.start()
    try:
        yield pipeline
    finally:
        pipeline.stop()
        thread.join()
        control.close()


@contextmanager
def _others(log: Log) -> Iterator[list[int]]:
    """Events of other contracts go on coming; how many were acknowledged."""
    stopping, sent = threading.Event(), [0]

    def send() -> None:
        for number in itertools.count():
            if stopping.wait(EVERY_SECONDS):
                return
            events = [
                _event(f"o-{number}-{n}", "clm.contract.noted", {"contract.id": f"C-{n}"})
                for n in range(OF_OTHERS)
            ]
            log.append_blocking(_entry(events))
            sent[0] += OF_OTHERS

    thread = threading.Thread(target=send)
    thread.start()
    try:
        yield sent
    finally:
        stopping.set()
        thread.join()


def _orphans(facts: int, invoices: int) -> Iterator[dict[str, Any]]:
    """The contract's approval, then `facts` events of invoices under a project nobody owns."""
    approved = {
        "contract.id": "C-LATE",
        "contract.value": "125000.00",
        "contract.currency": "EUR",
        "contract.region": "EMEA",
        "contract.business_unit": "consulting",
    }
    yield _event("approved", "clm.contract.approved", approved)
    for number in range(facts):
        turn, invoice = divmod(number, invoices)
        names = {"invoice.number": f"INV-{invoice:06}"}
        if turn == 0:
            names["erp.project.id"] = "P-LATE"
        yield _event(f"f-{number}", LIFE[min(turn, len(LIFE) - 1)], names)


def _link() -> dict[str, Any]:
    names = {"erp.project.id": "P-LATE", "contract.id": "C-LATE"}
    return _event("link", "erp.project.created", names)


def _event(own: str, kind: str, data: dict[str, str]) -> dict[str, Any]:
    at = CLOCK.now() - timedelta(hours=1)
    source = f"/{kind.split('.')[0]}"
    head = {"specversion": "1.0", "id": own, "source": source, "type": kind}
    return head | {"time": at.isoformat(), "data": data}


def _entry(events: Sequence[dict[str, Any]]) -> Entry:
    return Entry(
        kind="cloudevents",
        source="open",
        content_type="application/cloudevents-batch+json",
        received_at=CLOCK.now(),
        body=json.dumps(events).encode(),
    )


def _until(done: Callable[[], bool]) -> None:
    while not done():
        time.sleep(0.05)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--facts", type=int, default=100_000)
    parser.add_argument("--invoices", type=int, default=2_000)
    parser.add_argument("--data", type=Path, help="where log and store are put")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
