"""Small worlds for the metrics room: members, relations and what was observed of them."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import polars as pl
from hypothesis import strategies as st

# Working days, a weekend, a change to summer time in Berlin and Easter lie close together.
BASE = datetime(2026, 3, 25, 7, tzinfo=UTC)
INSTANT = pl.Datetime("ns", "UTC")
OBSERVATIONS = {
    "root_id": pl.String,
    "object_type": pl.String,
    "object_id": pl.String,
    "owner_id": pl.String,
    "namespace": pl.String,
    "value": pl.String,
    "fact_id": pl.String,
    "kind": pl.String,
    "source": pl.String,
    "system": pl.String,
    "name": pl.String,
    "outcome": pl.String,
    "message": pl.String,
    "at": INSTANT,
    "occurred_at": INSTANT,
    "plausible": pl.Boolean,
    "sampled": pl.Boolean,
    "payload": pl.String,
    "received_at": INSTANT,
    "how": pl.String,
}
VALIDITY = {"valid_from": INSTANT, "valid_to": INSTANT}
MEMBERS = {name: OBSERVATIONS[name] for name in list(OBSERVATIONS)[:6]} | VALIDITY
RELATIONS = {"kind": pl.String, "child_id": pl.String, "parent_id": pl.String, **VALIDITY}
# What has no beginning and no end, as the store tells it.
ALWAYS = {
    "valid_from": datetime(1970, 1, 1, tzinfo=UTC),
    "valid_to": datetime(2262, 4, 11, 23, 47, 16, 854775, tzinfo=UTC),
}

SUCCESSES = (
    "clm.contract.approved",
    "middleware.fields.validated",
    "erp.project.created",
    "erp.billing_schedule.created",
    "erp.rate_card.created",
    "erp.tax.configured",
    "erp.revenue_treatment.set",
    "psa.project.created",
    "procurement.request.created",
)
TURNS = (
    "clm.contract.cancelled",
    "clm.customer.waiting",
    "clm.customer.answered",
    "middleware.mapping.failed",
    "erp.project.rejected",
)
CHANGES = (
    "change.approved",
    "change.reviewed",
    "change.priced",
    "project.terms.updated",
    "project.updated",
    "billing.amended",
    "customer.informed",
    "change.waiting",
    "change.answered",
    "change.withdrawn",
    "price.disputed",
    "project.mapping.failed",
    "something.else",
    "change.returned",
    "change.resumed",
    "price.reset",
    "project.compensated",
)
# What is told of which objects, as a rule; now and then a fact speaks of others.
SYNC = {
    "clm.amendment.approved": ("amendment",),
    "erp.billing_schedule.updated": ("amendment", "billing_schedule"),
    "psa.project.updated": ("amendment", "project"),
    "erp.rate_card.updated": ("amendment",),
    "clm.amendment.withdrawn": ("amendment",),
    "erp.billing_schedule.rejected": ("amendment",),
    "erp.compensating_entry.posted": ("amendment", "invoice"),
    "erp.invoice.issued": ("invoice", "project"),
}
BILLING = {
    "psa.milestone.completed": ("milestone", "project"),
    "erp.invoice.drafted": ("invoice", "milestone"),
    "erp.invoice.approved": ("invoice",),
    "erp.invoice.issued": ("invoice", "project"),
    "billing.invoice.delivered": ("invoice",),
    "erp.invoice.posted": ("invoice",),
    "bank.payment.received": ("payment", "invoice"),
    "bank.payment.reversed": ("payment", "invoice"),
    "billing.invoice.disputed": ("invoice",),
    "billing.invoice.dispute_resolved": ("invoice",),
    "erp.invoice.rejected": ("invoice",),
    "erp.invoice.credited": ("invoice",),
    "erp.posting.duplicated": ("invoice",),
    "psa.milestone.cancelled": ("milestone",),
}
SUBCONTRACT = {
    "clm.subcontract.approved": ("subcontract",),
    "procurement.supplier.created": ("subcontract",),
    "procurement.order.issued": ("purchase_order",),
    "psa.resource.assigned": ("subcontract",),
    "procurement.supplier.rejected": ("subcontract",),
    "procurement.order.rejected": ("purchase_order",),
    "clm.subcontract.withdrawn": ("subcontract",),
}
REVENUE = {
    "erp.revenue_treatment.set": ("project",),
    "revrec.schedule.created": ("project",),
    "revrec.recognition.posted": ("project",),
}
TOLD = SYNC | BILLING | SUBCONTRACT | REVENUE
VALUES: dict[str, tuple[Any, ...]] = {
    "contract.value": ("1250000.00", "12.345", 99, "a lot", "", None),
    "contract.currency": ("EUR", "USD"),
    "contract.region": ("EMEA", "AMER", "APAC", "Mars"),
    "contract.business_unit": ("Advisory",),
    "contract.tier": ("standard", "expedited", 'said "expedited"'),
    "contract.subcontractor_clause": (True, False, "True"),
    "change.value": ("7.005", None),
    "change.urgent": (True, False),
    "change.kind": ("terms", "scope"),
    "change.bills": (1, 1, 2, "2.0", "many"),
    "change.contact": ("a", "b", ""),
    "amendment.kind": ("billing_terms", "billing_terms", "rates", "scope"),
    "amendment.value": ("7.005", None),
    "amendment.currency": ("EUR",),
    "milestone.value": ("10", "ten"),
    "milestone.currency": ("USD",),
    "invoice.amount": ("100.5", "-3"),
    "invoice.currency": ("EUR", "CHF"),
    "subcontract.value": ("7.005", None),
    "subcontract.currency": ("EUR",),
    "schedule.amount": ("10", "10.004", "ten", None),
    "recognition.amount": ("10.00", "11", "ten", ""),
    "recognition.period_status": ("open", "open", "closed"),
    "actor.type": ("user", "integration"),
}
STARTS = {
    "clm.contract.approved": ("contract.value", "contract.region"),
    "change.approved": ("change.value", "change.kind", "change.bills"),
    "customer.informed": ("change.contact",),
    "clm.amendment.approved": ("amendment.kind", "amendment.value", "amendment.currency"),
    "psa.milestone.completed": ("milestone.value", "contract.region"),
    "erp.invoice.issued": ("invoice.amount", "invoice.currency"),
    "clm.subcontract.approved": ("subcontract.value", "subcontract.currency"),
    "revrec.schedule.created": ("schedule.amount",),
    "revrec.recognition.posted": ("recognition.amount", "recognition.period_status"),
}


class World:
    """One contract and what belongs to it; several worlds together make a bigger one."""

    def __init__(self, number: int = 1) -> None:
        self.number = number
        self.root = f"contract:clm:C-{number}"
        self.objects = {
            "contract": (self.root, ""),
            "project": (f"project:erp:P-{number}", self.root),
            "invoice": (f"invoice:erp:I-{number}", f"project:erp:P-{number}"),
            "amendment": (f"amendment:clm:A-{number}", self.root),
            "billing_schedule": (f"billing_schedule:erp:B-{number}", f"project:erp:P-{number}"),
            "milestone": (f"milestone:psa:M-{number}", f"project:erp:P-{number}"),
            "payment": (f"payment:bank:R-{number}", f"invoice:erp:I-{number}"),
            "subcontract": (f"subcontract:clm:S-{number}", self.root),
            "purchase_order": (f"purchase_order:procurement:O-{number}", self.root),
            "other amendment": (f"amendment:clm:B-{number}", self.root),
            "other invoice": (f"invoice:erp:J-{number}", f"project:erp:P-{number}"),
        }
        self.ties = [
            ("amends", "amendment", "billing_schedule"),
            ("bills", "invoice", "milestone"),
            ("orders", "purchase_order", "subcontract"),
        ]
        self.rows: list[dict[str, Any]] = []
        self.moves: dict[str, tuple[datetime, World]] = {}

    def move(self, name: str, hours: float, to: World) -> None:
        """An object belongs to the same kind of object of another world from then on."""
        self.moves[self.objects[name][0]] = BASE + timedelta(hours=hours), to

    def fact(
        self,
        name: str,
        hours: float = 0.0,
        *,
        on: tuple[str, ...] = ("contract",),
        outcome: str = "ok",
        kind: str = "event",
        system: str = "",
        message: str = "",
        plausible: bool = True,
        sampled: bool = False,
        fact_id: str = "",
        ahead: int = 0,
        **payload: Any,
    ) -> datetime:
        """Observe a fact `hours` after the base, on these objects; its instant."""
        at = BASE + timedelta(hours=hours)
        fact = {
            "root_id": self.root,
            "fact_id": fact_id or f"{self.number:03}-{len(self.rows):04}",
            "kind": kind,
            "source": "test",
            "system": system or name.split(".", maxsplit=1)[0],
            "name": name,
            "outcome": outcome,
            "message": message,
            "at": at if plausible or len(self.rows) % 2 else None,
            "occurred_at": at,
            "plausible": plausible,
            "sampled": sampled,
            "payload": json.dumps({k.replace("__", "."): v for k, v in payload.items()}),
            "received_at": at + timedelta(minutes=len(self.rows) % 7 - ahead),
            "how": "own",
        }
        for object_type in on:
            self.rows.append({**self._member(object_type), **fact})
        return at

    def members(self) -> list[dict[str, Any]]:
        rows = [self._member(object_type) | ALWAYS for object_type in self.objects]
        return [stretch for row in rows for stretch in self._stretches(row)]

    def observations(self) -> list[dict[str, Any]]:
        return [self._placed(row) for row in self.rows]

    def _stretches(self, row: dict[str, Any]) -> list[dict[str, Any]]:
        if row["object_id"] not in self.moves:
            return [row]
        at, _ = self.moves[row["object_id"]]
        return [row | {"valid_to": at}, row | {"valid_from": at} | self._later(row)]

    def _placed(self, row: dict[str, Any]) -> dict[str, Any]:
        if row["object_id"] not in self.moves:
            return row
        moment = row["at"] if row["plausible"] and row["at"] else row["received_at"]
        return row | self._later(row) if moment >= self.moves[row["object_id"]][0] else row

    def _later(self, row: dict[str, Any]) -> dict[str, Any]:
        _, to = self.moves[row["object_id"]]
        owner = next(name for name, (one, _) in self.objects.items() if one == row["owner_id"])
        return {"root_id": to.root, "owner_id": to.objects[owner][0]}

    def relations(self) -> list[dict[str, Any]]:
        return [
            {
                "kind": kind,
                "child_id": self.objects[child][0],
                "parent_id": self.objects[parent][0],
                **ALWAYS,
            }
            for kind, child, parent in self.ties
        ]

    def _member(self, name: str) -> dict[str, Any]:
        object_id, owner = self.objects[name]
        object_type, namespace, value = object_id.split(":", 2)
        return {
            "root_id": self.root,
            "object_type": object_type,
            "object_id": object_id,
            "owner_id": owner,
            "namespace": namespace,
            "value": value,
        }


def frames(*worlds: World) -> tuple[pl.DataFrame, pl.DataFrame, pl.DataFrame]:
    """Observations, members and relations of all these worlds."""
    rows = [row for world in worlds for row in world.observations()]
    members = [row for world in worlds for row in world.members()]
    relations = [row for world in worlds for row in world.relations()]
    return (
        pl.DataFrame(rows, schema=OBSERVATIONS),
        pl.DataFrame(members, schema=MEMBERS),
        pl.DataFrame(relations, schema=RELATIONS),
    )


@st.composite
def worlds(draw: st.DrawFn, size: int = 3, *, moving: bool = False) -> list[World]:
    """Contracts to which all that can go right or wrong has happened, in any order and at ties.

    With `moving`, something of one of them may belong to another from some time on.
    """
    found = [_world(draw, number) for number in range(1, 1 + draw(st.integers(1, size)))]
    if moving and len(found) > 1 and draw(st.booleans()):
        hours = draw(st.sampled_from((0.5, 20, 70, 93)))
        found[0].move(draw(st.sampled_from(("amendment", "invoice"))), hours, found[1])
    return found


def _world(draw: st.DrawFn, number: int) -> World:
    world = World(number)
    for names, whole, types in (
        (SUCCESSES, len(SUCCESSES), ("contract", "project", "invoice")),
        (CHANGES, 7, ("amendment", "project", "contract")),
        (tuple(SYNC), 4, ("amendment", "other amendment", "other invoice")),
        (tuple(BILLING), 8, ("invoice", "milestone", "other invoice")),
        (tuple(SUBCONTRACT), 4, ("subcontract", "purchase_order")),
        (tuple(REVENUE), 3, ("project", "contract")),
    ):
        hours = 0.0
        for name in names[: draw(st.sampled_from((whole, whole, 0, 1, 3)))]:
            hours += draw(st.sampled_from((0, 0.5, 3, 20, 70)))
            _draw_fact(draw, world, name, hours, types, "ok")
        for _ in range(draw(st.integers(0, 6))):
            name = draw(st.sampled_from((*names, *TURNS)))
            _draw_fact(draw, world, name, draw(st.integers(-4, 300)) / 2, types, "")
    if draw(st.booleans()):
        world.ties.append(("bills", "other invoice", "milestone"))
    return world


def _draw_fact(
    draw: st.DrawFn, world: World, name: str, hours: float, types: tuple[str, ...], outcome: str
) -> None:
    objects = draw(st.sampled_from((types[:1], types[:1], types[:2], types[1:], types)))
    if name in TOLD and draw(st.integers(0, 3)):
        objects = TOLD[name]
    objects += ("billing_schedule",) if name == "billing.amended" else ()
    some = draw(st.lists(st.sampled_from(sorted(VALUES)), max_size=5, unique=True))
    some = sorted({*some, *STARTS.get(name, ())})
    payload = {key.replace(".", "__"): draw(st.sampled_from(VALUES[key])) for key in some}
    world.fact(
        name,
        hours,
        on=objects,
        outcome=outcome or draw(st.sampled_from(("ok", "unset", "error"))),
        kind=draw(st.sampled_from(("event", "event", "span"))),
        message=draw(st.sampled_from(("", "closed cost centre"))),
        plausible=draw(st.integers(0, 19 if outcome else 6)) > 0,
        sampled=draw(st.integers(0, 9)) == 0,
        ahead=draw(st.sampled_from((0, 0, 0, 0, 1, 7))),
        fact_id=f"{draw(st.integers(0, 0xFFFF)):04x}-{world.number}-{len(world.rows)}",
        **payload,
    )


AGAIN = (
    ("change.returned", "project.updated", "billing.amended"),
    ("change.returned", "project.mapping.failed", "change.waiting"),
    ("change.resumed", *CHANGES[1:7]),
    ("change.withdrawn", "change.resumed", "something.else"),
    ("price.reset", "customer.informed", "price.disputed"),
    ("billing.amended", "customer.informed", "billing.amended"),
    ("change.answered", "change.waiting"),
    ("change.returned", "project.compensated", "something.else", "billing.amended"),
    ("change.withdrawn",),
)


@st.composite
def returning(draw: st.DrawFn) -> list[World]:
    """Change orders that get far, and then are undone, cancelled, paused and done again."""
    world = World(1)
    told = [*CHANGES[: draw(st.sampled_from((7, 7, 7, 4)))]]
    for some in draw(st.lists(st.sampled_from(AGAIN), max_size=5)):
        told += some
    hours = 0.0
    for place, name in enumerate(told):
        hours += draw(st.sampled_from((0, 0.5, 3, 20)))
        late = draw(st.integers(0, 9)) == 0
        where = ("project", "amendment") if name.startswith("project.") else ("amendment",)
        world.fact(
            name,
            hours - 30 * late,
            on=(*where, "billing_schedule") if name == "billing.amended" else where,
            outcome=draw(st.sampled_from((*["ok"] * 9, "error"))) if place > 6 else "ok",
            kind=draw(st.sampled_from(("event", "event", "span"))) if place else "event",
            system="crm" if name == "customer.informed" else "",
            plausible=draw(st.integers(0, 19)) > 0,
            fact_id=f"{draw(st.integers(0, 0xFFFF)):04x}-{place}",
            change__kind=draw(st.sampled_from(("terms", "scope"))),
            change__urgent=draw(st.integers(0, 3)) == 3,
            contract__region="EMEA",
            change__value="7",
            change__bills=draw(st.sampled_from((1, 1, 1, 2))) if place == 0 else None,
            change__contact=draw(st.sampled_from("ab")),
        )
    return [world]
