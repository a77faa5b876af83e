"""Debian's Alertmanager on loopback, alone."""

from __future__ import annotations

import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx

PROGRAM = shutil.which("prometheus-alertmanager") or shutil.which("alertmanager")

CONFIG = """\
route:
  receiver: nobody
  group_by: [severity, system]
  group_wait: 1s
receivers:
  - name: nobody
"""


@contextmanager
def alertmanager(place: Path) -> Iterator[str]:
    """Its URL, once it is ready."""
    (place / "alertmanager.yml").write_text(CONFIG)
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    flags = {
        "config.file": place / "alertmanager.yml",
        "storage.path": place / "data",
        "web.listen-address": f"127.0.0.1:{port}",
        "cluster.listen-address": "",
    }
    command = [str(PROGRAM), *(f"--{name}={value}" for name, value in flags.items())]
    with (place / "log").open("w") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log)
    try:
        _until_ready(f"http://127.0.0.1:{port}", process, place / "log")
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait()


def _until_ready(url: str, process: subprocess.Popen[bytes], log: Path) -> None:
    for _ in range(600):
        if process.poll() is not None:
            raise RuntimeError(log.read_text())
        try:
            if httpx.get(f"{url}/-/ready").is_success:
                return
        except httpx.TransportError:
            pass
        time.sleep(0.05)
    raise TimeoutError("Alertmanager does not get ready")
