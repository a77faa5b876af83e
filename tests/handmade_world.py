"""A small world of contracts written straight into the telemetry store.

C-100234 is told in full: spans, events, a nightly batch that it shares with another contract, a
rejected project, a contradiction. The others are cases and steps, enough for every list and number.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal

from handmade_mastery import tables
from handmade_rows import NOW, Rows, contract, key_of

from threadline.store.telemetry import Telemetry

STUCK = "C-100234"
BATCH_TRACE = "0af7651916cd43dd8448eb211c80319c"
STEPS = (
    ("fields-validated", "middleware", "middleware.fields.validated"),
    ("erp-project", "erp", "erp.project.created"),
    ("billing-schedule", "erp", "erp.billing_schedule.created"),
    ("rate-card", "erp", "erp.rate_card.created"),
    ("tax", "erp", "erp.tax.configured"),
    ("revenue-treatment", "erp", "erp.revenue_treatment.set"),
    ("psa-project", "psa", "psa.project.created"),
)


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
    world.rows |= tables(STUCK)
    world.write(telemetry)


class _World(Rows):
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
            annotations=["clock-ahead", "step-skipped"],
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
                key_of(STUCK)
                | {
                    "kind": "rejected",
                    "fact_id": fact,
                    "step": "erp-project",
                    "system": "erp",
                    "at": validated + timedelta(days=place),
                    "message": "Cost centre 4711 is closed for posting",
                }
            )

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
