"""By system-call trace: what a sender is told has happened before it is told."""

import os
import re
import shutil
import signal
import subprocess
import sys

import grpc
import httpx
import pytest

PROTOBUF = "application/x-protobuf"

_SERVICE = """
import asyncio, os, socket, sys
from pathlib import Path
import uvicorn
from prometheus_client import CollectorRegistry
from collector.intake.counts import IntakeCounts
from collector.intake.grpc import serve
from collector.intake.http import create_app
from threadline.clock import SystemClock
from threadline.settings import IntakeSettings, LogSettings
from threadline.store.log import Log


async def main():
    clock, counts = SystemClock(), IntakeCounts(CollectorRegistry())
    log = Log.open(LogSettings(dir=Path(sys.argv[1])), clock)
    settings = IntakeSettings(grpc="127.0.0.1:0")
    app = create_app(log, settings, clock=clock, counts=counts)
    grpc_intake = await serve(log, settings, clock=clock, counts=counts)
    listening = socket.create_server(("127.0.0.1", 0))
    print(os.getpid(), listening.getsockname()[1], grpc_intake.port, flush=True)
    server = uvicorn.Server(uvicorn.Config(app, log_level="warning", access_log=False))
    await server.serve(sockets=[listening])
    await grpc_intake.stop(0)
    log.close()


asyncio.run(main())
"""


REPLIES = ("sendto(", "sendmsg(", "write(", "writev(")


@pytest.fixture
def traced(tmp_path):
    """A service under strace: the addresses of its ports, and its trace once it has ended."""
    if shutil.which("strace") is None:
        pytest.skip("strace is not installed")
    trace = tmp_path / "trace"
    calls = "trace=pwrite64,fsync,fdatasync,sendto,write,writev,sendmsg"
    strace = ["strace", "-f", "-y", "-s", "256", "-e", calls, "-o", trace]
    service = subprocess.Popen(
        [*strace, sys.executable, "-c", _SERVICE, tmp_path / "log"],
        stdout=subprocess.PIPE,
        text=True,
    )
    assert service.stdout is not None
    process, http, rpc = (int(number) for number in service.stdout.readline().split())

    def ended():
        os.kill(process, signal.SIGTERM)
        service.wait(timeout=60)
        return trace.read_text().splitlines()

    yield f"http://127.0.0.1:{http}", f"127.0.0.1:{rpc}", ended
    if service.poll() is None:
        os.kill(process, signal.SIGKILL)
        service.wait()


def assert_synced_between(calls, name, reply):
    """The last write of data that hold `name` is fsynced before the first reply that holds `reply`.

    A call that another thread interrupts is traced as begun and, later, `resumed`.
    """
    written = max(
        number for number, call in enumerate(calls) if "pwrite64(" in call and name in call
    )
    thread, wal = re.match(r"(\d+) .*pwrite64\(\d+<(.*?-wal)>", calls[written]).groups()
    begun = next(
        number
        for number, call in enumerate(calls[written:], written)
        if re.match(rf"{thread} .*(fsync|fdatasync)\(\d+<{re.escape(wal)}>", call)
    )
    synced = next(
        number
        for number, call in enumerate(calls[begun:], begun)
        if call.startswith(thread) and re.search(r"sync.*\) += 0$", call)
    )
    first = next(number for number, call in enumerate(calls) if name in call)
    replied = next(
        number
        for number, call in enumerate(calls[first:], first)
        if reply in call and any(word in call for word in REPLIES)
    )
    assert written < begun <= synced < replied
    directory = re.escape(wal.rpartition("/")[0])
    assert any(re.search(rf"fsync\(\d+<{directory}>\) += 0", call) for call in calls[:written])


def test_http_replies_after_the_data_reached_fsync(traced, traces):
    http, _, ended = traced
    body = traces(2_000, name="marker-of-http")
    answer = httpx.post(f"{http}/v1/traces", content=body, headers={"content-type": PROTOBUF})
    assert answer.status_code == 200
    assert_synced_between(ended(), "marker-of-http", "HTTP/1.1 200 OK")


def test_grpc_replies_after_the_data_reached_fsync(traced, traces):
    _, address, ended = traced
    with grpc.insecure_channel(address) as channel:
        export = channel.unary_unary("/opentelemetry.proto.collector.trace.v1.TraceService/Export")
        export(traces(2_000, name="marker-of-grpc"), timeout=60)
    assert_synced_between(ended(), "marker-of-grpc", "grpc-status")
