"""Rows of the telemetry store's tables, made by hand: what the API reads, and nothing else."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import polars as pl
from stored_threads import put_threads_together

from threadline.store.telemetry import Telemetry

NOW = datetime(2026, 3, 20, 12, 0, tzinfo=UTC)
JOURNEY = "contract-activation"
TRACE = "5b8aa5a2d2c872e8321cf37308d69df2"
INSTANT = pl.Datetime("ns", "UTC")


def contract(number: str) -> str:
    """The identifier of a contract in the CLM."""
    return f"contract:clm:{number}"


def fact_id(*parts: str) -> str:
    """An id as decoding makes them."""
    return hashlib.sha256("|".join(parts).encode()).hexdigest()[:32]


class Rows:
    """Rows of the telemetry store's tables, in the words of the domain."""

    def __init__(self) -> None:
        self.rows: dict[str, list[dict[str, Any]]] = {
            name: []
            for name in (
                *("facts", "mentions", "identifiers", "links", "cases", "steps"),
                *("exceptions", "dead_letters", "intake_counts"),
            )
        }
        self.offset = 0

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
            **key_of(number),
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
            **key_of(number),
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
            "alternative": "",
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
            "identifiers": [":".join(name) for name in names] if how == "own" else [],
            "earliness": 2**63 - int(received.timestamp() * 1e9),
            **fact,
        }
        self.rows["facts"].append(whole)
        linking = [name for name in names if name[0] != "customer"]
        for kind, namespace, value in names:
            mention = {"object_type": kind, "namespace": namespace, "value": value}
            mention |= {"how": how, "origin": "", "of": len(linking), "sampled": False}
            mention |= {"payload": "{}"} | {name: whole[name] for name in _COPIED}
            mention["beside"] = [":".join(name) for name in names if name[0] == "customer"]
            self.rows["mentions"].append(mention)
        return key

    def write(self, telemetry: Telemetry) -> None:
        """Insert everything."""
        for table, rows in self.rows.items():
            if rows:
                telemetry.insert(table, _frame(table, rows))
        put_threads_together(telemetry)


_COPIED = (
    *("fact_id", "trace_id", "content_hash", "kind", "source", "system", "name", "outcome"),
    *("message", "at", "occurred_at", "ended_at", "plausible", "received_at"),
    *("span_id", "parent_span_id", "annotations"),
)


def key_of(number: str) -> dict[str, Any]:
    """The key of the contract's activation case."""
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
