"""A service over either database, a clock to move, and a webhook that remembers."""

from __future__ import annotations

import json
import textwrap
import threading
from collections.abc import Iterator
from datetime import datetime, timedelta
from decimal import Decimal
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import handmade_failures
import polars as pl
import pytest
from control_databases import NOON

from alerts.service import AlertsService, load_policies
from alerts.telling import Surroundings
from threadline.clock import FixedClock
from threadline.model.incidents import Briefing, Incident
from threadline.model.readings import Reading
from threadline.settings import AlertsSettings
from threadline.store.control import ControlStore

INSTANT = pl.Datetime("ns", "UTC")
SCHEMA = {
    "journey": pl.String,
    "case_id": pl.String,
    "root_id": pl.String,
    "criticality": pl.String,
    "known_at": INSTANT,
    "completed_at": INSTANT,
    "cancelled_at": INSTANT,
    "paused_from": INSTANT,
    "paused_until": INSTANT,
    "warn_at": INSTANT,
    "due_at": INSTANT,
    "current_step": pl.String,
    "current_since": INSTANT,
    "current_due_at": INSTANT,
    "waiting_systems": pl.List(pl.String),
    "value": pl.Decimal(18, 2),
    "currency": pl.String,
    "root_value": pl.Decimal(18, 2),
    "root_currency": pl.String,
}


# A deadline is the last good instant: this much later it has passed.
JUST = timedelta(microseconds=1)


# Rotas that policies of tests may name; who is on duty is in the test's hands.
ROTAS = {"integration": False, "nobody": False, "desk": True}


class Webhook:
    """A real HTTP server: what it was sent, and what it answers."""

    def __init__(self) -> None:
        self.received: list[dict[str, Any]] = []
        self.keys: list[str] = []
        self.status = 200
        self.headers: dict[str, str] = {}
        self._server: ThreadingHTTPServer | None = None
        self._port = 0
        self.up()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._port}/hooks/s3cret?token=s3cret"

    def up(self) -> None:
        """Listen, on the same port as before."""
        self._server = ThreadingHTTPServer(("127.0.0.1", self._port), self._handler())
        self._port = self._server.server_address[1]
        threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True).start()

    def down(self) -> None:
        """Refuse connections."""
        if self._server is not None:
            self._server.shutdown()
            self._server.server_close()
            self._server = None

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        webhook = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                if webhook.status < 300:
                    webhook.received.append(json.loads(body))
                    webhook.keys.append(self.headers["Idempotency-Key"])
                self.send_response(webhook.status)
                for name, value in webhook.headers.items():
                    self.send_header(name, value)
                self.end_headers()

            def log_message(self, *_: object) -> None:
                """Nothing on the terminal."""

        return Handler


@pytest.fixture(autouse=True)
def _no_proxy(monkeypatch):
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")


@pytest.fixture
def another_webhook() -> Iterator[Webhook]:
    server = Webhook()
    yield server
    server.down()


@pytest.fixture
def webhook() -> Iterator[Webhook]:
    server = Webhook()
    yield server
    server.down()


class Desk:
    """Alerting as the composition root would run it, with the cases in the test's hands."""

    def __init__(
        self, control: ControlStore, clock: FixedClock, webhook: Webhook, directory: Path
    ) -> None:
        self.control, self.clock, self.webhook = control, clock, webhook
        self.directory = directory
        self.muted_until: datetime | None = None
        self.surroundings = Surroundings(muted=lambda _labels, _at: self.muted_until)
        self.cases: dict[str, dict[str, Any]] = {}
        self.failing: dict[str, dict[str, Any]] = {}
        self.service = self._service()

    def restart(self) -> None:
        """A new process over the same database."""
        self.service.close()
        self.service = self._service()

    def declare(self, policy: str) -> None:
        """This policy in the place of the shipped one; `webhook` and `log` are its receivers."""
        receivers = "receivers: {log: {type: log}, webhook: {type: webhook, url: '${webhook_url}'}}"
        text = f"policy: default\n{textwrap.dedent(policy)}\n"
        if "receivers:\n" not in text:
            text += receivers
        (self.directory / "default.yaml").write_text(text)
        self.restart()

    def declare_stand_in(self, other: Webhook) -> None:
        """Deadlines are told to the webhook, and to `other` while that cannot be reached."""
        self.declare(f"""
            rules: [{{when: case-deadline}}]
            escalation: [{{after: 0s, receivers: [webhook]}}]
            receivers:
              webhook: {{type: webhook, url: '${{webhook_url}}', fallback: [other]}}
              other: {{type: webhook, url: '{other.url}'}}
        """)

    def case(self, case_id: str = "contract:clm:C-1", **columns: Any) -> None:
        """Derive a case anew: known since 11:00, warned of at 13:00, due at 14:00."""
        row = {
            "journey": "contract-activation",
            "case_id": case_id,
            "root_id": case_id,
            "criticality": "revenue",
            "known_at": NOON - timedelta(hours=1),
            "warn_at": NOON + timedelta(hours=1),
            "due_at": NOON + timedelta(hours=2),
            "current_step": "erp-project",
            "current_since": NOON - timedelta(minutes=30),
            "waiting_systems": ["erp"],
            "value": Decimal("120000.00"),
            "currency": "EUR",
            "root_value": Decimal("120000.00"),
            "root_currency": "EUR",
        }
        self.cases[case_id] = dict.fromkeys(SCHEMA) | row | columns

    def late(self, **columns: Any) -> None:
        """A contract misses its deadline at 14:00."""
        self.case(warn_at=None, **columns)
        self.at(hours=2)

    def fails(self, number: str, *, minutes: float = 0, **columns: Any) -> None:
        """A contract's ERP project fails for the first time so many minutes after noon."""
        failed_at = NOON + timedelta(minutes=minutes)
        self.failing[number] = handmade_failures.failure(number, failed_at, **columns)

    def heals(self, *numbers: str) -> None:
        """What these contracts wait for has been done."""
        for number in numbers:
            del self.failing[number]

    def move(self, **since_noon: float) -> None:
        """Move the clock just past an instant."""
        self.clock.move_to(NOON + timedelta(**since_noon) + JUST)

    def at(self, **since_noon: float) -> None:
        """Move the clock just past an instant and let everything that recurs run once."""
        self.move(**since_noon)
        self.evaluate()
        self.service.deliver(self.clock.now())

    def evaluate(self, **more: Any) -> dict[str, int]:
        return self.evaluate_at(self.clock.now(), **more)

    def evaluate_at(self, watermark: datetime, **more: Any) -> dict[str, int]:
        marks = {name: INSTANT for case in self.cases.values() for name in case if "mark:" in name}
        frame = pl.DataFrame(list(self.cases.values()), schema=SCHEMA | marks)
        looked = {
            "failing": handmade_failures.frame(self.failing.values()),
            "late": _late(frame, watermark),
            **more,
        }
        return dict(self.service.evaluate(frame, watermark, **looked))

    def look(self, *, minutes: float, **seen: Any) -> None:
        """Read what a rule watches so long after noon, and let everything that recurs run once."""
        self.move(minutes=minutes)
        now = self.clock.now()
        self.evaluate(
            readings=[Reading(**{"rule": "default/watched", "part": "", "at": now} | seen)]
        )
        self.service.deliver(now)

    def incident(self) -> Incident:
        """The only one there is."""
        (incident,) = self.service.page().items
        return incident

    @property
    def pages(self) -> list[tuple[str, str]]:
        """The pages that reached the webhook: (reason, severity)."""
        return [(one["reason"], one["severity"]) for one in self.received("page")]

    @property
    def news(self) -> list[tuple[str, str]]:
        """What else reached the webhook: (kind, reason)."""
        others = [one for one in self.webhook.received if one["kind"] != "page"]
        return [(one["kind"], one["reason"]) for one in others]

    def received(self, kind: str) -> list[dict[str, Any]]:
        """What reached the webhook of one kind, whole."""
        return [one for one in self.webhook.received if one["kind"] == kind]

    def _service(self) -> AlertsService:
        return AlertsService(
            self.control,
            load_policies(AlertsSettings(webhook_url=self.webhook.url), [self.directory], ROTAS),
            self.clock,
            briefing=_briefing,
            links=_links,
            surroundings=self.surroundings,
        )


def _late(cases: pl.DataFrame, now: datetime) -> pl.DataFrame:
    """Those running past a deadline, as the evaluator finds them."""
    ended = pl.any_horizontal(pl.col("completed_at", "cancelled_at").is_not_null())
    paused = ((pl.col("paused_from") <= now) & (pl.col("paused_until") > now)).fill_null(False)
    passed = pl.min_horizontal("due_at", "current_due_at") < now
    return cases.filter(~ended & ~paused & passed.fill_null(False))


def _briefing(incident: Incident) -> Briefing:
    return Briefing(
        title="Contract activation",
        owner="integration-operations",
        runbook=f"https://runbooks.example/{incident.journey}/{incident.step}",
        next_moves=("replay the project request",),
    )


def _links(incident: Incident) -> dict[str, str]:
    return {"incident": f"https://threadline.example/incidents/{incident.id}"}


@pytest.fixture
def desk(
    control: ControlStore, clock: FixedClock, webhook: Webhook, tmp_path: Path
) -> Iterator[Desk]:
    directory = tmp_path / "policies"
    directory.mkdir()
    running = Desk(control, clock, webhook, directory)
    yield running
    running.service.close()
