"""What an operator sees: starting, asking, reloading, rebuilding, breaking, stopping."""

from __future__ import annotations

import json
import shutil
import signal
import socket
import subprocess
from pathlib import Path

import httpx
import pytest

pytestmark = pytest.mark.timeout(300)  # real processes, several a test

APPROVED = "clm.contract.approved"
LATER = "erp.project.created"


def test_an_event_sent_is_found_by_its_contract_and_stopping_is_clean(service, send, threadline):
    service.start()
    service.wait_until_ready()
    send(APPROVED, "C-1", **{"contract.value": "1000.00", "contract.currency": "EUR"})
    service.wait_until_derived()

    found = threadline("trace", "c-1", "--json")
    figures = threadline("kpis", "--json")

    assert json.loads(found.stdout)["identifier"] == "contract:clm:C-1"
    assert {item["kpi"] for item in json.loads(figures.stdout)["items"]} >= {"stuck-cases"}
    assert threadline("trace", "C-404").returncode == 1
    assert service.stop() == 0
    assert threadline("trace", "c-1").returncode == 3


def test_a_rebuild_gives_the_same_and_waits_until_the_service_is_stopped(service, send, threadline):
    service.start()
    service.wait_until_ready()
    for number in range(5):
        send(APPROVED, f"C-{number}")
    refused = threadline("rebuild")
    service.wait_until_derived()
    service.stop()

    done = threadline("rebuild")

    assert refused.returncode == 2
    assert "in use" in refused.stderr
    assert done.returncode == 0, done.stderr
    assert "DIFFERENT" not in done.stdout
    assert [line.split()[1] for line in done.stdout.splitlines() if "cases" in line] == ["5"]


def test_broken_definitions_refuse_to_start_naming_file_line_key_and_rule(
    service, definitions, threadline
):
    (definitions / "objects.yaml").write_text("objects:\n  parcel: {owner: [nobody]}\n")

    checked = threadline("check")
    service.start()

    assert service.process.wait(timeout=60) == 2
    said = (service.data / "service.log").read_text()
    for text in (said, checked.stderr):
        assert "objects.yaml:2: objects.parcel" in text
    assert checked.returncode == 1


def test_a_running_service_keeps_the_last_good_definitions_and_takes_up_sound_ones(
    service, send, definitions
):
    service.start()
    service.wait_until_ready()
    send(APPROVED, "C-1", **{"parcel.id": "X-9"})
    service.wait_until_derived()
    (definitions / "objects.yaml").write_text("objects: 3\n")
    service.process.send_signal(signal.SIGHUP)
    service.wait_until_said("the last good ones stay")
    assert service.get("/api/v1/contracts/C-1")["identifier"] == "contract:clm:C-1"

    (definitions / "objects.yaml").write_text(
        "objects:\n  parcel: {owner: [contract], master: erp, namespaces: [erp]}\n"
        "attributes:\n  parcel.id: {object: parcel, namespace: erp}\n"
    )
    service.process.send_signal(signal.SIGHUP)

    service.wait_until_found("/api/v1/contracts/X-9")
    assert service.get("/api/v1/contracts/X-9")["identifier"] == "contract:clm:C-1"


def test_an_index_that_does_not_open_is_said_and_rebuilt_while_intake_is_up(service, send):
    service.start()
    service.wait_until_ready()
    send(APPROVED, "C-1")
    service.wait_until_derived()
    service.stop()
    shutil.rmtree(service.data / "telemetry")
    (service.data / "telemetry").mkdir()
    (service.data / "telemetry" / "metadata").write_text("not chDB's")

    service.start()
    service.wait_until_ready()
    send(LATER, "C-1")
    service.wait_until_found("/api/v1/contracts/C-1")

    assert list(service.data.glob("telemetry.broken-*"))


def test_a_taken_port_is_named_with_the_setting_that_changes_it(service):
    with socket.socket() as taken:
        host, port = service.api.split(":")
        taken.bind((host, int(port)))
        taken.listen()
        service.start()
        assert service.process.wait(timeout=60) == 2

    said = (service.data / "service.log").read_text()
    assert f"{service.api} for the API cannot be used" in said
    assert "THREADLINE_API__LISTEN" in said


@pytest.mark.skipif(shutil.which("promtool") is None, reason="needs Debian's prometheus")
def test_prometheus_reads_the_metrics(service, send):
    service.start()
    service.wait_until_ready()
    send(APPROVED, "C-1")
    service.wait_until_derived()

    metrics = httpx.get(f"http://{service.api}/metrics").text
    checked = subprocess.run(
        ["promtool", "check", "metrics"], input=metrics, capture_output=True, text=True, check=False
    )

    assert checked.returncode in (0, 3), checked.stderr  # 3: style remarks on names of others
    assert 'threadline_cases{journey="contract-activation"' in metrics
    assert 'threadline_facts_total{source="open"} 1.0' in metrics


def test_data_stays_under_the_data_directory(service, send, tmp_path: Path):
    service.start()
    service.wait_until_ready()
    send(APPROVED, "C-1")
    service.stop()

    assert {path.name for path in tmp_path.iterdir()} == {"data", "definitions"}
