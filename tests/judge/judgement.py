"""What is compared: tables, states and figures, incidents, each against observable truth."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import polars as pl
from judge import figures, identity, mastery
from judge.difference import Difference, compare
from judge.escalating import Kept, told
from judge.hops import HopBook
from judge.observable import Truth, standing
from judge.promises import Book
from judge.service import JudgedService
from judge.tape import Delivery

from threadline.model.incidents import Incident
from threadline.model.kpis import Window
from threadline.store.telemetry import Telemetry

# By the cadence a source declares, whatever the way in which its system delivers in a world.
PATIENCE = {"live": 64, "hourly": 65, "nightly": 88}  # hours
# What only moves the wording of a notification is not compared; who was told is, among the owed.
UNTOLD = ("updated", "notified")


@dataclass(kw_only=True)
class Judgement:
    """What one play came to; `became` counts what had to become of incidents."""

    world: str
    order: str
    compared: Counter[str] = field(default_factory=Counter)
    differences: list[Difference] = field(default_factory=list)
    became: Counter[str] = field(default_factory=Counter)

    def hold(self, kind: str, expected: dict, found: dict, **story) -> None:
        """Compare, and count what was compared."""
        self.compared[kind] += len(expected)
        self.differences += compare(kind, expected, found, **story)


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
        ("remedies", ["journey", "case_id", "step", "kind", "fact_id"], truth.told.remedies),
    ):
        rows = store.query(f"SELECT * EXCEPT (generation, deleted) FROM {table} FINAL")
        names = [name for name in rows.columns if name not in (*keys, *unjudged)]
        judgement.hold(
            table,
            {key: {name: row[name] for name in names} for key, row in expected.items()},
            _keyed(rows, keys, names),
            story=lambda key: _story(truth, key[1]),
        )
    for kind, expected, found_rows in zip(
        ("value", "mismatch"), mastery.truth_of(truth), mastery.stored(store), strict=True
    ):
        judgement.hold(kind, expected, found_rows)


def hold_counts(
    store: Telemetry, truth: Truth, sent: Sequence[Delivery], judgement: Judgement
) -> None:
    """Compare how much was counted of what was `sent`."""
    expected = truth.tally(sent)
    sums = ", ".join(f"sum({name}) AS {name}" for name in expected)
    found = store.query(f"SELECT {sums} FROM intake_counts FINAL").row(0, named=True)
    judgement.hold("count", expected, found)


def hold_figures(service: JudgedService, truth: Truth, now: datetime, judgement: Judgement) -> None:
    silent = silent_systems(truth, now)
    for window in figures.windows(truth, now):
        asked = {"from": window.start.isoformat(), "to": window.end.isoformat()}
        answer = service.api.get("/api/v1/kpis", params=asked).raise_for_status().json()
        expected = figures.kpis(truth, window, now, silent)
        found = figures.told(answer["items"])
        judgement.hold("KPI", expected, found, story=_asked(window, now))


def hold_incidents(
    service: JudgedService, truth: Truth, book: Book, now: datetime, judgement: Judgement
) -> None:
    """Compare promises of cases and steps with what the book says must have become of them."""
    found = {
        (one.journey, one.case_id, one.promise): _told(service, one)
        for one in service.alerts.page(limit=10_000).items
        if one.promise == "case" or one.promise.startswith("step:")
    }
    judgement.hold(
        "incident",
        {key: told(kept) for key, kept in book.kept.items()},
        found,
        story=lambda key: _promise(truth, book.kept.get(key), key, now),
    )


def hold_hops(service: JudgedService, book: HopBook, now: datetime, judgement: Judgement) -> None:
    """Compare incidents of failing hops with what the book says must have become of them."""
    about = ("since", "error", "journey", "step", "cases", "breached", "worth", "criticality")
    found = {
        one.promise: {
            **_told(service, one),
            **{name: getattr(one, name) for name in about},
            "affected": _affected(service, one),
        }
        for one in service.alerts.page(limit=10_000).items
        if one.of_hop
    }
    judgement.hold("hop", book.expected(), found, story=lambda _: f"as of {now}")


def _told(service: JudgedService, one: Incident) -> dict:
    deliveries = service.alerts.deliveries(one.id)
    owed = [(each.notification, each.failure, each.delivered_at is not None) for each in deliveries]
    events = service.alerts.history(one.id)
    return {
        **{name: getattr(one, name) for name in ("state", "reason", "severity", "deadline")},
        "opened_at": one.opened_at,
        "part_of": one.part_of,
        "told": len(one.told_steps),
        "owed": sorted(
            (n.episode, n.kind, n.step, n.receiver, n.reason, n.due_at, failure, heard)
            for n, failure, heard in owed
        ),
        "history": [(each.at, each.what) for each in events if each.what not in UNTOLD],
    }


def _affected(service: JudgedService, one: Incident) -> Counter[tuple[Any, ...]]:
    """Which cases belong to it, and until when others did."""
    spells = service.alerts.affected(one.id, limit=10_000)
    return Counter((*each.case[:2], each.left_at) for each in spells)


def _promise(truth: Truth, kept: Kept | None, key: tuple[str, str, str], now: datetime) -> str:
    case = truth.told.cases.get(key[:2], {})
    instants = ("known_at", "warn_at", "due_at", "current_step", "current_due_at")
    lines = [f"as of {now}", ", ".join(f"{name}={case.get(name)}" for name in instants)]
    return "\n".join(lines + [f"{at} {what}" for at, what in (kept.history if kept else ())])


def _asked(window: Window, now: datetime) -> Callable[[object], str]:
    return lambda _: f"from {window.start} to {window.end}, as of {now}"


def _hold_identity(store: Telemetry, truth: Truth, judgement: Judgement) -> None:
    stories = {"identifier": lambda name: _evidence(truth, name)}
    found = identity.stored(store, truth.rules)
    for kind, rows in identity.expected(truth.facts, truth.ties).items():
        story = {"story": stories[kind]} if kind in stories else {}
        judgement.hold(kind, rows, found[kind], **story)


def hold_states(service: JudgedService, truth: Truth, now: datetime, judgement: Judgement) -> None:
    """Compare states as the API tells them at `now`."""
    silent = silent_systems(truth, now)
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


def silent_systems(truth: Truth, now: datetime) -> set[str]:
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
        if name in pair[1:3]
    ]
    return "\n".join(lines[:12])
