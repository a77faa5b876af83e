"""Debian's Prometheus over a live service: what it scrapes, its rules, and the dashboard."""

from __future__ import annotations

import json
import shutil
import subprocess
import threading
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest
from killable_service import free_ports

METRICS = Path(__file__).parents[2] / "metrics"
RULES = METRICS / "prometheus" / "threadline.rules.yml"
DASHBOARD = METRICS / "grafana" / "threadline.json"
STEPS = ("clm.contract.approved", "middleware.fields.validated", "erp.project.created")
TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"

pytestmark = pytest.mark.skipif(
    shutil.which("prometheus") is None, reason="Debian's package prometheus is not installed"
)


@pytest.fixture
def scraped(service, tmp_path):
    """A service that knows contracts, and the address of a Prometheus that has scraped it."""
    service.start()
    service.wait_until_ready()
    _play(service)
    service.wait_until_derived()
    (port,) = free_ports(1)
    (tmp_path / "prometheus.yml").write_text(
        f"global: {{scrape_interval: 1s, evaluation_interval: 1s}}\n"
        f"rule_files: ['{RULES}']\n"
        "scrape_configs: [{job_name: threadline, static_configs: "
        f"[{{targets: ['{service.api}']}}]}}]\n"
    )
    arguments = [
        "prometheus",
        f"--config.file={tmp_path / 'prometheus.yml'}",
        f"--storage.tsdb.path={tmp_path / 'tsdb'}",
        f"--web.listen-address=127.0.0.1:{port}",
        "--enable-feature=exemplar-storage",
    ]
    running = subprocess.Popen(arguments, stderr=(tmp_path / "prometheus.log").open("wb"))
    yield f"http://127.0.0.1:{port}/api/v1"
    running.kill()
    running.wait()


def test_prometheus_stores_exemplars_and_answers_every_rule_and_panel(service, scraped):
    _until(lambda: _asked(scraped, "threadline:kpi_breached:count"), "evaluating rules")
    now = datetime.now(UTC)

    hops = _asked(scraped, 'threadline_hop_seconds_gcount{window="1d",step="erp-project"}')
    assert [float(one["value"][1]) for one in hops] == [6.0]
    assert hops[0]["metric"]["after"] == "fields-validated"
    quantile = (
        'histogram_quantile(0.5, threadline_hop_seconds_bucket{window="1d",step="erp-project"})'
    )
    assert 600 < float(_asked(scraped, quantile)[0]["value"][1]) <= 3600

    span = {"start": (now - timedelta(days=1)).isoformat(), "end": now.isoformat()}
    query = {"query": "threadline_hop_seconds_bucket", **span}
    series = httpx.get(f"{scraped}/query_exemplars", params=query).json()["data"]
    traces = {one["labels"]["trace_id"] for each in series for one in each["exemplars"]}
    assert traces == {TRACE}
    assert service.get(f"/api/v1/contracts/{TRACE}")

    groups = httpx.get(f"{scraped}/rules").json()["data"]["groups"]
    assert {rule["health"] for group in groups for rule in group["rules"]} == {"ok"}
    panels = _queries()
    assert len(panels) > 12
    empty = [query for query in panels if not _asked(scraped, query)]
    assert empty == []


def test_rules_fire_as_their_own_tests_say():
    command = ["promtool", "test", "rules", "threadline.rules.test.yml"]
    subprocess.run(command, check=True, cwd=RULES.parent, capture_output=True)


def _play(service) -> None:
    """Six contracts of the last hours that got their projects; one of these is told by a span."""
    url = f"http://{service.http}/v1/events"
    base = datetime.now(UTC) - timedelta(hours=3)
    events = [
        {
            "specversion": "1.0",
            "id": f"{number}-{name}",
            "source": f"/{name.split('.')[0]}",
            "type": name,
            "time": (base + timedelta(minutes=20 * place + number)).isoformat(),
            "data": {
                "contract.id": f"C-{number}",
                "contract.value": 1000,
                "contract.currency": "EUR",
                "contract.region": "emea",
                "contract.business_unit": "x",
                **({"erp.project.id": f"P-{number}"} if place == 2 else {}),
            },
        }
        for number in range(6)
        for place, name in enumerate(STEPS)
        if (number, place) != (0, 2)
    ]
    httpx.post(
        url, json=events, headers={"content-type": "application/cloudevents-batch+json"}
    ).raise_for_status()
    end = int((base + timedelta(minutes=59)).timestamp() * 1e9)
    told = {"contract.id": "C-0", "erp.project.id": "P-0"}
    span = {
        "traceId": TRACE,
        "spanId": "00f067aa0ba902b7",
        "name": STEPS[2],
        "startTimeUnixNano": str(end - 10**9),
        "endTimeUnixNano": str(end),
        "attributes": [_attribute(*one) for one in told.items()],
    }
    resource = {"attributes": [_attribute("service.name", "erp")]}
    body = {"resourceSpans": [{"resource": resource, "scopeSpans": [{"spans": [span]}]}]}
    httpx.post(f"http://{service.http}/v1/traces", json=body).raise_for_status()


def _attribute(name: str, value: str) -> dict[str, object]:
    return {"key": name, "value": {"stringValue": value}}


def _queries() -> list[str]:
    board = json.loads(DASHBOARD.read_text())
    asked = [target["expr"] for panel in board["panels"] for target in panel.get("targets", [])]
    return [query.replace("$window", "1d").replace("$journey", ".*") for query in asked]


def _asked(prometheus: str, query: str) -> list[dict]:
    answer = httpx.get(f"{prometheus}/query", params={"query": query}).json()
    assert answer["status"] == "success", (query, answer)
    return answer["data"]["result"]


def _until(is_so, what: str) -> None:
    until = time.monotonic() + 60
    while time.monotonic() < until:
        try:
            if is_so():
                return
        except (httpx.HTTPError, ValueError):
            pass
        threading.Event().wait(0.2)
    raise AssertionError(f"Prometheus was not {what}")
