"""A small world written straight into the telemetry store: what the API reads, and nothing else.

One contract (C-100234) is told in full: spans, events, a nightly batch that it shares with another,
a rejected project, a conflict. The others are cases and steps, enough for every list and number.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import polars as pl

from threadline.store.telemetry import Telemetry

NOW = datetime(2026, 3, 20, 12, 0, tzinfo=UTC)
STUCK = "C-100234"
TRACE = "5b8aa5a2d2c872e8321cf37308d69df2"
BATCH_TRACE = "0af7651916cd43dd8448eb211c80319c"
JOURNEY = "contract-activation"
STEPS = (
    ("fields-validated", "middleware", "middleware.fields.validated"),
    ("erp-project", "erp", "erp.project.created"),
    ("billing-schedule", "erp", "erp.billing_schedule.created"),
    ("rate-card", "erp", "erp.rate_card.created"),
    ("tax", "erp", "erp.tax.configured"),
    ("revenue-treatment", "erp", "erp.revenue_treatment.set"),
    ("psa-project", "psa", "psa.project.created"),
)
INSTANT = pl.Datetime("ns", "UTC")


def contract(number: str) -> str:
    """The identifier of a contract in the CLM."""
    return f"contract:clm:{number}"


def fill(telemetry: Telemetry) -> None:
    """Write the whole world."""
    world = _World()
    for place in range(24):
        world.completed(f"C-1001{place:02}", ended=NOW - timedelta(days=2 * place + 1), place=place)
    world.stuck()
    world.waiting("C-100240", since=NOW - timedelta(hours=30), due_in=timedelta(hours=9), place=1)
    world.waiting("C-100241", since=NOW - timedelta(hours=2), due_in=timedelta(days=4), place=2)
    world.waiting("C-100242", since=NOW - timedelta(days=9), due_in=timedelta(days=-3), place=3)
    world.paused("C-100250")
    world.cancelled("C-100260")
    world.orphan("P-00999")
    world.sources()
    for table, rows in world.rows.items():
        telemetry.insert(table, _frame(table, rows))


def fact_id(*parts: str) -> str:
    """An id as decoding makes them."""
    return hashlib.sha256("|".join(parts).encode()).hexdigest()[:32]


class _World:
    def __init__(self) -> None:
        self.rows: dict[str, list[dict[str, Any]]] = {
            name: []
            for name in (
                *("facts", "mentions", "identifiers", "links", "cases", "steps"),
                *("exceptions", "dead_letters", "intake_counts"),
            )
        }
        self.offset = 0

    def completed(self, number: str, *, ended: datetime, place: int) -> None:
        took = timedelta(hours=14 + 3 * (place % 7) + (40 if place % 9 == 4 else 0))
        started = ended - took
        due = started + timedelta(days=3)
        self.identify(number)
        failures = 1 if place % 8 == 3 else 0
        self.case(
            number,
            started,
            due,
            place,
            completed_at=ended,
            business_seconds=took.total_seconds() / 3,
            exceptions=failures,
        )
        each = took / len(STEPS)
        for index, (step, system, _) in enumerate(STEPS):
            at = started + each * (index + 1)
            fails = failures if step == "erp-project" else 0
            self.step(number, step, system, ready=at - each, closed=at, failures=fails)

    def waiting(self, number: str, *, since: datetime, due_in: timedelta, place: int) -> None:
        self.identify(number)
        due = NOW + due_in
        self.case(
            number,
            since - timedelta(hours=1),
            due,
            place,
            current_step="billing-schedule",
            current_since=since,
            current_due_at=min(due, since + timedelta(days=2)),
            waiting_systems=["erp", "psa"],
        )
        self.opened(number, since, done=2, due=due)

    def paused(self, number: str) -> None:
        since = NOW - timedelta(days=1)
        self.identify(number)
        self.case(
            number,
            since - timedelta(days=1),
            None,
            4,
            current_step="erp-project",
            current_since=since - timedelta(hours=3),
            paused_from=since,
            paused_until=NOW + timedelta(days=9),
            stuck_reason="waiting-for-customer",
            waiting_systems=["erp"],
        )
        self.opened(number, since, done=1, due=None)

    def cancelled(self, number: str) -> None:
        started = NOW - timedelta(days=5)
        self.identify(number)
        self.case(number, started, None, 5, cancelled_at=started + timedelta(days=1))
        self.opened(number, started, done=1, due=None)

    def orphan(self, project: str) -> None:
        self.identify_as("project", "erp", project, f"project:erp:{project}", "", "")
        at = NOW - timedelta(hours=5)
        self.event("erp", "erp.project.created", at, [("project", "erp", project)])

    def opened(self, number: str, since: datetime, *, done: int, due: datetime | None) -> None:
        for index, (step, system, _) in enumerate(STEPS):
            closed = since - timedelta(minutes=40 * (done - index)) if index < done else None
            ready = since if index == done else None
            self.step(number, step, system, ready=closed or ready, closed=closed, due=due)

    # The contract that is told in full.

    def stuck(self) -> None:
        approved = NOW - timedelta(days=6, hours=3)
        mine = ("contract", "clm", STUCK)
        project = ("project", "erp", "P-417")
        self._stuck_identity(approved)
        data = {
            "contract.value": "480000.00",
            "contract.currency": "EUR",
            "contract.region": "emea",
        }
        customer = ("customer", "crm", "CU-7001")
        self.event("clm", "clm.contract.approved", approved, [mine, customer], data)
        validated = approved + timedelta(minutes=12)
        closing = self.span(
            "middleware", "middleware.fields.validated", validated, [mine], seconds=40, parent="a1"
        )
        self.span("middleware", "contract.propagate", validated, [mine], seconds=90, span="a1")
        self.span(
            "erp",
            "POST /projects",
            validated + timedelta(minutes=1),
            [mine],
            how="ancestor",
            seconds=20,
            parent="a1",
            outcome="error",
            message="HTTP 422",
        )
        failed = [
            self.event(
                "erp",
                "erp.project.rejected",
                validated + after,
                [mine, project],
                {},
                "error",
                "Cost centre 4711 is closed for posting",
            )
            for after in (timedelta(minutes=2), timedelta(days=1), timedelta(days=3))
        ]
        nightly = approved.replace(hour=2, minute=0) + timedelta(days=1)
        self.span(
            "middleware", "nightly.batch", nightly, [], seconds=3600, span="b0", trace=BATCH_TRACE
        )
        self.span(
            "middleware",
            "nightly.group",
            nightly,
            [mine, ("contract", "clm", "C-100240")],
            seconds=1800,
            span="b1",
            parent="b0",
            trace=BATCH_TRACE,
        )
        self.span(
            "psa",
            "psa.project.sync",
            nightly + timedelta(minutes=5),
            [mine],
            seconds=30,
            span="b2",
            parent="b1",
            trace=BATCH_TRACE,
            outcome="ok",
        )
        self.span(
            "middleware",
            "load.configuration",
            nightly,
            [],
            seconds=5,
            span="b9",
            parent="b0",
            trace=BATCH_TRACE,
        )
        psa = self.event("psa", "psa.project.created", approved + timedelta(days=1), [mine])
        odd = datetime(1970, 1, 1, tzinfo=UTC)
        self.event(
            "procurement", "procurement.request.created", odd, [mine], {}, "ok", "", ["before-2000"]
        )
        self._stuck_case(approved, validated, closing, psa, failed)

    def _stuck_identity(self, approved: datetime) -> None:
        root = contract(STUCK)
        self.identify(STUCK)
        self.identify_as("opportunity", "crm", "006Qx01", "opportunity:crm:006Qx01", root, root)
        for namespace, value in (("erp", "P-417"), ("psa", "PRJ-88")):
            self.identify_as("project", namespace, value, "project:erp:P-417", root, root)
        self.identify_as(
            "purchase_order",
            "procurement",
            "PO-5501",
            "purchase_order:procurement:PO-5501",
            root,
            root,
        )
        self.link("belongs_to", "opportunity:crm:006Qx01", root, approved, "crm")
        self.link("belongs_to", "project:erp:P-417", root, approved + timedelta(days=1), "erp")
        self.link("same_as", "project:psa:PRJ-88", "project:erp:P-417", approved, "psa")
        self.link("belongs_to", "purchase_order:procurement:PO-5501", root, approved, "procurement")
        self.link(
            "belongs_to",
            "project:erp:P-417",
            contract("C-100100"),
            approved,
            "psa",
            state="conflict",
            reason="erp is the system of record",
        )

    def _stuck_case(
        self,
        approved: datetime,
        validated: datetime,
        closing: str,
        psa: str,
        failed: list[str],
    ) -> None:
        due = approved + timedelta(days=5)
        self.case(
            STUCK,
            approved,
            due,
            0,
            current_step="erp-project",
            current_since=validated,
            current_due_at=validated + timedelta(days=1),
            waiting_systems=["erp"],
            stuck_reason="rejected",
            stuck_message="Cost centre 4711 is closed for posting",
            exceptions=3,
            value=Decimal("480000.00"),
        )
        for step, system, _ in STEPS:
            closed = {"fields-validated": validated, "psa-project": approved + timedelta(days=1)}
            by = {"fields-validated": closing, "psa-project": psa}
            current = step == "erp-project"
            self.step(
                STUCK,
                step,
                system,
                ready=validated if current else closed.get(step),
                closed=closed.get(step),
                closed_by=by.get(step, ""),
                failures=3 if current else 0,
                due=validated + timedelta(days=1) if current else due,
                message="Cost centre 4711 is closed for posting" if current else "",
            )
        for place, fact in enumerate(failed):
            self.rows["exceptions"].append(
                _key(STUCK)
                | {
                    "kind": "rejected",
                    "fact_id": fact,
                    "step": "erp-project",
                    "system": "erp",
                    "at": validated + timedelta(days=place),
                    "message": "Cost centre 4711 is closed for posting",
                }
            )

    # Rows.

    def identify(self, number: str) -> None:
        self.identify_as("contract", "clm", number, contract(number), "", contract(number))

    def identify_as(
        self, kind: str, namespace: str, value: str, object_id: str, owner: str, root: str
    ) -> None:
        row = {"object_type": kind, "namespace": namespace, "value": value}
        row |= {"object_id": object_id, "owner_id": owner, "root_id": root}
        self.rows["identifiers"].append(row)

    def link(
        self,
        kind: str,
        child: str,
        parent: str,
        at: datetime,
        system: str,
        *,
        state: str = "held",
        reason: str = "",
    ) -> None:
        row: dict[str, Any] = {"kind": kind, "at": at, "system": system, "mastered": True}
        for end, name in (("child", child), ("parent", parent)):
            parts = zip(("type", "namespace", "value"), name.split(":"), strict=True)
            row |= {f"{end}_{part}": value for part, value in parts}
        row |= {"fact_id": fact_id(kind, child, parent), "plausible": True}
        self.rows["links"].append(row | {"state": state, "reason": reason})

    def case(
        self, number: str, started: datetime, due: datetime | None, place: int, **given: Any
    ) -> None:
        region = ("emea", "amer", "apac")[place % 3]
        row: dict[str, Any] = {
            **_key(number),
            "root_id": contract(number),
            "version": "1",
            "started_at": started,
            "completed_at": None,
            "cancelled_at": None,
            "paused_from": None,
            "paused_until": None,
            "warn_at": due and started + (due - started) * 0.75,
            "due_at": due,
            "known_at": started,
            "business_seconds": None,
            "current_step": "",
            "current_since": None,
            "current_due_at": None,
            "waiting_systems": [],
            "stuck_reason": "",
            "stuck_message": "",
            "value": Decimal(90_000 + 35_000 * place).quantize(Decimal("0.01")),
            "currency": "EUR",
            "criticality": "revenue",
            "dimensions": json.dumps({"region": region, "business_unit": "advisory"}),
            "annotations": [],
            "exceptions": 0,
            "rework": 0,
            "facts": 8,
        }
        self.rows["cases"].append(row | given)

    def step(
        self,
        number: str,
        step: str,
        system: str,
        *,
        ready: datetime | None,
        closed: datetime | None,
        failures: int = 0,
        due: datetime | None = None,
        closed_by: str = "",
        message: str = "",
    ) -> None:
        by = closed_by or (fact_id(number, step) if closed else "")
        row: dict[str, Any] = {
            **_key(number),
            "step": step,
            "system": system,
            "required": True,
            "ready_at": ready,
            "due_at": due or (ready and ready + timedelta(days=2)),
            "closed_at": closed,
            "closed_by": by,
            "object_id": contract(number),
            "first_failed_at": ready if failures else None,
            "failures": failures,
            "rework": 0,
            "actor_type": "integration",
            "message": message,
            "sampled": False,
        }
        self.rows["steps"].append(row)

    def event(
        self,
        system: str,
        name: str,
        at: datetime,
        names: list[tuple[str, str, str]],
        data: Mapping[str, str] | None = None,
        outcome: str = "ok",
        message: str = "",
        annotations: list[str] | None = None,
    ) -> str:
        fact = {"kind": "event", "system": system, "name": name, "at": at, "occurred_at": at}
        fact |= {"trace_id": "", "outcome": outcome, "message": message}
        odd = annotations or []
        fact |= {"annotations": odd, "plausible": not odd, "attributes": json.dumps(data or {})}
        return self._observe(fact, names, "own")

    def span(
        self,
        system: str,
        name: str,
        at: datetime,
        names: list[tuple[str, str, str]],
        *,
        seconds: int,
        span: str = "",
        parent: str = "",
        trace: str = TRACE,
        how: str = "own",
        outcome: str = "unset",
        message: str = "",
    ) -> str:
        end = at + timedelta(seconds=seconds)
        fact = {"kind": "span", "system": system, "name": name, "occurred_at": at}
        fact |= {"at": end, "ended_at": end, "trace_id": trace, "outcome": outcome}
        fact |= {"span_id": _span(span or name), "parent_span_id": _span(parent) if parent else ""}
        return self._observe(fact | {"message": message, "plausible": True}, names, how)

    def _observe(self, fact: dict[str, Any], names: list[tuple[str, str, str]], how: str) -> str:
        self.offset += 1
        key = fact_id(fact["system"], fact["name"], str(fact["at"]))
        received = max(fact["at"], NOW - timedelta(days=30)) + timedelta(seconds=3)
        whole: dict[str, Any] = {
            "fact_id": key,
            "mapping_revision": 1,
            "content_hash": self.offset,
            "source": fact["system"],
            "span_id": "",
            "parent_span_id": "",
            "ended_at": None,
            "attributes": "{}",
            "span_links": [],
            "annotations": [],
            "received_at": received,
            "partition": 0,
            "offset": self.offset,
            "ordinal": 0,
            "earliness": 2**63 - int(received.timestamp() * 1e9),
            **fact,
        }
        self.rows["facts"].append(whole)
        linking = [name for name in names if name[0] != "customer"]
        for kind, namespace, value in names:
            mention = {"object_type": kind, "namespace": namespace, "value": value}
            mention |= {"how": how, "origin": "", "of": len(linking), "sampled": False}
            mention |= {"payload": "{}"} | {name: whole[name] for name in _COPIED}
            self.rows["mentions"].append(mention)
        return key

    def sources(self) -> None:
        for place, source in enumerate(("clm", "erp", "middleware", "psa", "procurement")):
            self.rows["intake_counts"].append(
                {
                    "partition": 0,
                    "offset": place + 1,
                    "source": source,
                    "requests": 40 + place,
                    "facts": 120 * (place + 1),
                    "duplicates": place,
                    "versions": 0,
                    "last_received_at": NOW - timedelta(minutes=7 * place),
                }
            )
        for ordinal in range(3):
            self.rows["dead_letters"].append(
                {
                    "partition": 0,
                    "offset": 77,
                    "ordinal": ordinal,
                    "kind": "cloudevents",
                    "source": "erp",
                    "reason": "the event has no id",
                    "excerpt": '{"type": "erp.x"}',
                    "received_at": NOW - timedelta(hours=1),
                }
            )


_COPIED = (
    *("fact_id", "trace_id", "content_hash", "kind", "source", "system", "name", "outcome"),
    *("message", "at", "occurred_at", "plausible", "received_at"),
)


def _key(number: str) -> dict[str, Any]:
    return {"journey": JOURNEY, "case_id": contract(number)}


def _span(name: str) -> str:
    return hashlib.sha256(name.encode()).hexdigest()[:16]


def _frame(table: str, rows: list[dict[str, Any]]) -> pl.DataFrame:
    frame = pl.DataFrame(rows, infer_schema_length=None)
    instants = [name for name, kind in frame.schema.items() if isinstance(kind, pl.Datetime)]
    empty = [name for name, kind in frame.schema.items() if kind == pl.Null]
    lists = [name for name, kind in frame.schema.items() if kind == pl.List(pl.Null)]
    stamps = {"generation": pl.lit(1, pl.UInt64), "deleted": pl.lit(0, pl.UInt8)}
    unstamped = {"facts": ["generation", "deleted"], "intake_counts": ["deleted"]}
    return frame.with_columns(
        pl.col(instants + empty).cast(INSTANT), pl.col(lists).cast(pl.List(pl.String)), **stamps
    ).drop(unstamped.get(table, []))
