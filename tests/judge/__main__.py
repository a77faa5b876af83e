"""The judge: plays worlds into a fresh service and holds it against observable truth.

    make judge SEEDS=6

Every world is recorded on the wire, then played three times: forwards, by the clock of the world
and with a look at each checkpoint; shuffled, every request received when it was; and duplicated,
with every request sent up to three times. Each time the service must tell what the oracle tells,
which reads nothing but what was sent and the definitions. Ends with 1 when it does not.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from random import Random

import polars as pl
from judge import figures, mastery
from judge.difference import Difference, compare
from judge.distance import Distance
from judge.observable import Truth, standing
from judge.recorder import END, record
from judge.service import JudgedService, fresh_service
from judge.tape import Delivery, tape

from metrics import definitions
from threadline.model.kpis import Window
from threadline.settings import TelemetrySettings
from threadline.simulator import World
from threadline.store.telemetry import Telemetry

SCENARIOS = ("calm", "quarter-end", "erp-outage", "migration", "dirty-data", "silent-source")
ORDERS = ("forwards", "shuffled", "duplicated")
LOOKS = 5
CANDIDATES = 4
STORIES = 5  # differences told in full per play; the rest is counted
SMALL_BATCH = 25  # requests: so that a tape is derived in many batches and stretches
PATIENCE = {"live": 64, "hourly": 65, "nightly": 88}  # hours


@dataclass(kw_only=True)
class Judgement:
    """What one play came to."""

    world: str
    order: str
    compared: Counter[str] = field(default_factory=Counter)
    differences: list[Difference] = field(default_factory=list)

    def hold(self, kind: str, expected: dict, found: dict, **story) -> None:
        """Compare, and count what was compared."""
        self.compared[kind] += len(expected)
        self.differences += compare(kind, expected, found, **story)


def judge(directory: Path, telemetry: Telemetry, order: str) -> Judgement:
    """Play the tape in `directory` in one of `ORDERS` into a fresh service."""
    deliveries = list(tape(directory))
    end = datetime.fromisoformat(json.loads((directory / "world.json").read_text())["end"])
    judgement = Judgement(world=directory.name, order=order)
    with (
        tempfile.TemporaryDirectory(prefix="judged-") as place,
        fresh_service(
            Path(place), telemetry, deliveries[0].at, batch_entries=SMALL_BATCH
        ) as service,
    ):
        if order == "forwards":
            _forwards(service, deliveries, end, judgement)
        else:
            service.deliver(_disordered(deliveries, order))
        service.evaluate(end)
        truth = Truth(deliveries, definitions.load())
        _hold_all(service, truth, end, judgement)
    return judgement


def _forwards(
    service: JudgedService, deliveries: Sequence[Delivery], end: datetime, judgement: Judgement
) -> None:
    """Deliver, stopping `LOOKS` times to look: once at the very instant of a deadline."""
    start = deliveries[0].at
    whole = Truth(deliveries, definitions.load()).told.cases.values()
    late = sorted(
        case["due_at"]
        for case in whole
        if case["due_at"]
        and case["known_at"] < case["due_at"]
        and case["due_at"] < (case["completed_at"] or case["cancelled_at"] or end)
    )
    looked, waiting = start, list(deliveries)
    for number in range(1, LOOKS + 1):
        after = max(looked, start + (end - start) * number / (LOOKS + 1))
        looked, truth = _look(deliveries, after, [due for due in late if due > after])
        known = [each for each in waiting if each.at <= looked]
        waiting = waiting[len(known) :]
        service.deliver(known)
        service.evaluate(looked)
        _hold_states(service, truth, looked, judgement)
    service.deliver(waiting)


def _look(
    deliveries: Sequence[Delivery], after: datetime, late: Sequence[datetime]
) -> tuple[datetime, Truth]:
    """When to look after `after`, and what can be known then: a case's last good instant, if one of
    the next few can be told for such.
    """
    for due in late[:CANDIDATES]:
        truth = Truth([each for each in deliveries if each.at <= due], definitions.load())
        silent = _silent(truth, due)
        if any(
            case["due_at"] == due and standing(case, due, silent)[1] == "at_risk"
            for case in truth.told.cases.values()
        ):
            return due, truth
    return after, Truth([each for each in deliveries if each.at <= after], definitions.load())


def _disordered(deliveries: Sequence[Delivery], order: str) -> list[Delivery]:
    random = Random(len(deliveries))
    sent = [each for each in deliveries for _ in range(random.choice((1, 2, 3)))]
    if order == "shuffled":
        sent = list(deliveries)
    random.shuffle(sent)
    return sent


def _hold_all(service: JudgedService, truth: Truth, end: datetime, judgement: Judgement) -> None:
    hold_tables(service.telemetry, truth, judgement)
    _hold_states(service, truth, end, judgement)
    _hold_figures(service, truth, end, judgement)


def hold_tables(
    store: Telemetry, truth: Truth, judgement: Judgement, unjudged: Collection[str] = ()
) -> None:
    """Compare facts, identity, cases, steps and exceptions but for the columns `unjudged`."""
    facts = truth.facts
    columns = ["system", "name", "kind", "outcome", "message", "at", "plausible"]
    told = {key: {name: getattr(fact, name) for name in columns} for key, fact in facts.items()}
    # Every version is stored; the one with the greatest content hash speaks.
    found = store.query("SELECT * FROM facts FINAL ORDER BY mapping_revision, content_hash")
    judgement.hold("fact", told, _keyed(found, ["fact_id"], columns))
    _hold_identity(store, truth, judgement)
    for table, keys, expected in (
        ("cases", ["journey", "case_id"], truth.told.cases),
        ("steps", ["journey", "case_id", "step"], truth.told.steps),
        ("exceptions", ["journey", "case_id", "kind", "fact_id"], truth.told.exceptions),
    ):
        rows = store.query(f"SELECT * EXCEPT (generation, deleted) FROM {table} FINAL")
        names = [name for name in rows.columns if name not in (*keys, *unjudged)]
        judgement.hold(
            table,
            {key: {name: row[name] for name in names} for key, row in expected.items()},
            _keyed(rows, keys, names),
            story=lambda key: _story(truth, key[1]),
        )
    for kind, expected, rows in zip(
        ("value", "mismatch"), mastery.truth_of(truth), mastery.stored(store), strict=True
    ):
        judgement.hold(kind, expected, rows)


def _hold_figures(
    service: JudgedService, truth: Truth, now: datetime, judgement: Judgement
) -> None:
    silent = _silent(truth, now)
    for window in figures.windows(truth, now):
        asked = {"from": window.start.isoformat(), "to": window.end.isoformat()}
        answer = service.api.get("/api/v1/kpis", params=asked).raise_for_status().json()
        expected = figures.kpis(truth, window, now, silent)
        found = figures.told(answer["items"])
        judgement.hold("KPI", expected, found, story=_asked(window, now))
    if judgement.order != "forwards":
        # Evaluated once: what the last look finds late is all there ever was.
        found = {
            (one.journey, one.case_id, one.promise): (one.state, one.severity, one.opened_at)
            for one in service.alerts.page(limit=10_000).items
        }
        judgement.hold("incident", figures.incidents(truth, now), found)


def _asked(window: Window, now: datetime) -> Callable[[object], str]:
    return lambda _: f"from {window.start} to {window.end}, as of {now}"


def _hold_identity(store: Telemetry, truth: Truth, judgement: Judgement) -> None:
    places = dict(truth.ties.places)
    rows = store.query(
        "SELECT concat(object_type, ':', namespace, ':', value) AS name, object_id, owner_id,"
        " root_id FROM identifiers FINAL"
    )
    found = {row[0]: row[1:] for row in rows.iter_rows() if truth.rules.links(row[0])}
    judgement.hold("identifier", places, found, story=lambda name: _evidence(truth, name))
    rows = store.query(
        "SELECT kind, concat(child_type, ':', child_namespace, ':', child_value) AS child,"
        " concat(parent_type, ':', parent_namespace, ':', parent_value) AS parent, state,"
        " fact_id FROM links FINAL"
    )
    links = {pair: (s, truth.ties.evidence[pair].fact_id) for pair, s in truth.ties.links.items()}
    judgement.hold("link", links, {row[:3]: row[3:] for row in rows.iter_rows()})
    rows = store.query(
        "SELECT fact_id, concat(object_type, ':', namespace, ':', value) AS name, how"
        " FROM mentions FINAL WHERE of > 0"
    )
    speaks = {(key, name): fact.how for key, fact in truth.facts.items() for name in fact.speaks}
    judgement.hold("attribution", speaks, {row[:2]: row[2] for row in rows.iter_rows()})
    rows = store.query("SELECT fact_id, how FROM unattributed FINAL")
    nobody = {key: fact.how for key, fact in truth.facts.items() if not fact.speaks}
    judgement.hold("unattributed", nobody, dict(rows.iter_rows()))


def _hold_states(service: JudgedService, truth: Truth, now: datetime, judgement: Judgement) -> None:
    """States as the API tells them at `now`."""
    silent = _silent(truth, now)
    expected = {key: standing(case, now, silent) for key, case in truth.told.cases.items()}
    found = {}
    for journey in truth.definitions.journeys:
        cursor = {}
        while True:
            asked = {"limit": 500, **cursor}
            page = service.api.get(f"/api/v1/journeys/{journey}/cases", params=asked).json()
            found |= {
                (journey, row["case_id"]): (row["state"], row["sla"]) for row in page["items"]
            }
            if not page["next"]:
                break
            cursor = {"cursor": page["next"]}
    judgement.hold("state", expected, found, story=lambda key: f"as of {now}")


def _silent(truth: Truth, now: datetime) -> set[str]:
    heard = truth.heard()
    return {
        source["system"]
        for source in truth.rules.sources
        if source["system"] not in heard
        or now - heard[source["system"]] > timedelta(hours=PATIENCE[source["cadence"]])
    }


def _keyed(rows: pl.DataFrame, keys: list[str], names: list[str]) -> dict:
    found = {}
    for row in rows.iter_rows(named=True):
        if "dimensions" in row:
            row["dimensions"] = json.loads(row["dimensions"])
        key = tuple(row[name] for name in keys) if len(keys) > 1 else row[keys[0]]
        found[key] = {name: row[name] for name in names}
    return found


def _story(truth: Truth, case_id: str) -> str:
    """The facts of a case in their order."""
    about = [
        fact
        for fact in truth.facts.values()
        if any(truth.ties.places[name][0] == case_id for name in fact.speaks)
    ]
    about.sort(key=lambda fact: (str(fact.at), fact.fact_id))
    return "\n".join(f"{f.at} {f.system} {f.name} {f.outcome} {f.fact_id}" for f in about[:12])


def _evidence(truth: Truth, name: str) -> str:
    """What ties an identifier to others."""
    lines = [
        f"{pair[0]} {pair[1]} -> {pair[2]}: {state}, told by {truth.ties.evidence[pair].name}"
        for pair, state in truth.ties.links.items()
        if name in pair[1:]
    ]
    return "\n".join(lines[:12])


def main() -> int:
    """Judge some worlds, each in all orders."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=6)
    parser.add_argument("--first", type=int, default=1, help="the first seed")
    parser.add_argument("--contracts", type=int, default=24)
    parser.add_argument("--worlds", nargs="*", help="worlds to judge, as SCENARIO-SEED")
    parser.add_argument("--tapes", type=Path, help="where tapes are kept; recorded if missing")
    parser.add_argument("--orders", nargs="*", default=ORDERS, choices=ORDERS)
    given = parser.parse_args()
    different = 0
    seeds = range(given.first, given.first + given.seeds)
    names = given.worlds or [f"{SCENARIOS[seed % len(SCENARIOS)]}-{seed}" for seed in seeds]
    with tempfile.TemporaryDirectory(prefix="judge-") as place:
        settings = TelemetrySettings(
            dir=Path(place) / "telemetry", database="judged", durable=False
        )
        telemetry = Telemetry.open(settings)
        distances: dict[str, Distance] = defaultdict(Distance)
        for name in names:
            world, real = _recorded(name, given.contracts, given.tapes or Path(place))
            truths = [Truth(tape(each), definitions.load()) for each in (world, real)]
            told = json.loads((world / "truth.json").read_text())
            distances[name.rpartition("-")[0]].add(*truths, told)
            for order in given.orders:
                started = time.monotonic()
                judgement = judge(world, telemetry, order)
                different += _tell(judgement, time.monotonic() - started)
        telemetry.close()
    _tell_distances(distances)
    print(f"{different} differences from observable truth")
    return 1 if different else 0


def _recorded(name: str, contracts: int, tapes: Path) -> tuple[Path, Path]:
    """The tape of a world called after its scenario and seed, as told and as it happened."""
    scenario, _, seed = name.rpartition("-")
    told, real = tapes / name, tapes / f"{name}-as-it-happened"
    for directory in (told, real):
        if not (directory / "tape.jsonl").exists():
            world = World(int(seed), contracts, now=END, scenario_name=scenario)
            record(world, directory, faithful=directory is real)
    return told, real


def _tell_distances(distances: Mapping[str, Distance]) -> None:
    print("\nDistance from observable truth to world truth, in Markdown:\n")
    print("| scenario | facts | known | right | wrong | nobody | cases right | steps right |")
    print("|---|---|---|---|---|---|---|---|")
    for name, distance in distances.items():
        print(f"| {name} | {' | '.join(distance.row())} |")
    print("\n| scenario | fate or trouble | cases | right |\n|---|---|---|---|")
    for name, distance in distances.items():
        for row in distance.by_trouble():
            print(f"| {name} | {' | '.join(row)} |")
    print()


def _tell(judgement: Judgement, seconds: float) -> int:
    compared = ", ".join(f"{count:,} {kind}" for kind, count in judgement.compared.items())
    count = len(judgement.differences)
    print(
        f"{judgement.world} {judgement.order}: {count} differences in {compared} ({seconds:.0f} s)"
    )
    for difference in judgement.differences[:STORIES]:
        print("\n".join(f"  {line}" for line in str(difference).splitlines()), flush=True)
    return count


if __name__ == "__main__":
    sys.exit(main())
