"""Debian's Prometheus over the API: what it scrapes, its rules, and the dashboard."""

from __future__ import annotations

import json
import shutil
import subprocess
import threading
import time
from datetime import timedelta
from pathlib import Path

import httpx
import pytest
from handmade_rows import NOW
from killable_service import free_ports

from collector.intake.counts import IntakeCounts
from threadline.exposure import Exposed
from threadline.instruments import PipelineInstruments

METRICS = Path(__file__).parents[2] / "metrics"
RULES = METRICS / "prometheus" / "threadline.rules.yml"
DASHBOARD = METRICS / "grafana" / "threadline.json"

# Among the handmade steps none is closed by a fact that is told in full.
_CLOSED_BY_A_SPAN = """
INSERT INTO steps SELECT * REPLACE (
    (SELECT max(fact_id) FROM mentions FINAL
     WHERE value = 'C-100234' AND how = 'own' AND trace_id != '') AS closed_by,
    'contract:clm:C-100234' AS object_id, generation + 1 AS generation)
FROM steps FINAL WHERE step = 'tax' AND closed_at IS NOT NULL ORDER BY closed_at DESC LIMIT 1
"""

pytestmark = pytest.mark.skipif(
    shutil.which("prometheus") is None, reason="Debian's package prometheus is not installed"
)


@pytest.fixture
def scraped(world, api, tmp_path):
    """The address of a Prometheus that scrapes the API over the handmade world."""
    world.telemetry.command(_CLOSED_BY_A_SPAN)
    world.registry.register(Exposed(lambda: world, world.clock))
    IntakeCounts(world.registry).acknowledge("traces", 1, partial=False)
    PipelineInstruments(world.registry).batch_seconds.labels(stage="cases").observe(1)
    (port,) = free_ports(1)
    (tmp_path / "prometheus.yml").write_text(
        f"global: {{scrape_interval: 1s, evaluation_interval: 1s}}\n"
        f"rule_files: ['{RULES}']\n"
        "scrape_configs: [{job_name: threadline, static_configs: "
        f"[{{targets: ['{api.base_url.netloc.decode()}']}}]}}]\n"
    )
    arguments = [
        "prometheus",
        f"--config.file={tmp_path / 'prometheus.yml'}",
        f"--storage.tsdb.path={tmp_path / 'tsdb'}",
        f"--web.listen-address=127.0.0.1:{port}",
        "--enable-feature=exemplar-storage",
    ]
    with (tmp_path / "prometheus.log").open("wb") as log:
        running = subprocess.Popen(arguments, stderr=log)
    yield f"http://127.0.0.1:{port}/api/v1"
    running.kill()
    running.wait()


def test_prometheus_stores_exemplars_and_answers_every_rule_and_panel(api, world, scraped):
    _until(lambda: _asked(scraped, "threadline:hop_seconds:p90_1d"), "evaluating rules")

    steps = world.telemetry.query(
        "SELECT count() AS n, sum(dateDiff('second', ready_at, closed_at)) AS seconds"
        " FROM steps FINAL WHERE step = 'tax' AND closed_at >= {since:DateTime64(9, 'UTC')}",
        {"since": NOW - timedelta(days=30)},
    ).row(0)
    for suffix, counted in zip(("gcount", "gsum"), steps, strict=True):
        query = f'threadline_hop_seconds_{suffix}{{window="30d",step="tax",after="rate-card"}}'
        (hop,) = _asked(scraped, query)
        assert float(hop["value"][1]) == pytest.approx(counted, rel=0.001)

    span = {"start": (NOW - timedelta(days=30)).isoformat(), "end": NOW.isoformat()}
    query = {"query": "threadline_hop_seconds_bucket", **span}
    series = httpx.get(f"{scraped}/query_exemplars", params=query).json()["data"]
    traces = {one["labels"]["trace_id"] for each in series for one in each["exemplars"]}
    assert traces
    for trace in traces:
        assert api.get(f"/api/v1/contracts/{trace}").status_code == 200

    groups = httpx.get(f"{scraped}/rules").json()["data"]["groups"]
    assert {rule["health"] for group in groups for rule in group["rules"]} == {"ok"}
    queries = _queries()
    assert len(queries) > 12
    assert [query for query in queries if not _asked(scraped, query)] == []


def test_rules_fire_as_their_own_tests_say():
    command = ["promtool", "test", "rules", "threadline.rules.test.yml"]
    subprocess.run(command, check=True, cwd=RULES.parent, capture_output=True)


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
