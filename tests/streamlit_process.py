"""The dashboards as `threadline dashboards` runs them: Streamlit in a process of its own."""

from __future__ import annotations

import os
import socket
import ssl
import subprocess
import sys
import threading
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from threadline.sections import PLAIN, TlsSettings

APP = Path(__file__).parents[1] / "dashboards" / "served.py"
READY_SECONDS = 60


@contextmanager
def dashboards(
    api_url: str, port: int = 0, flags: Sequence[str] = (), tls: TlsSettings = PLAIN
) -> Iterator[str]:
    """Streamlit over the API at `api_url`, in a process of its own; its address."""
    if not port:
        with socket.create_server(("127.0.0.1", 0)) as free:
            port = free.getsockname()[1]
    where = [f"--server.port={port}", "--server.address=127.0.0.1"]
    secure = str(int(tls.scheme == "https"))
    process = subprocess.Popen(
        [sys.executable, "-m", "streamlit", "run", str(APP), *where, *flags],
        env=os.environ | {"THREADLINE_API_URL": api_url, "THREADLINE_DASHBOARDS_SECURE": secure},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    url = f"{tls.scheme}://127.0.0.1:{port}"
    try:
        _wait_until_healthy(f"{url}/_stcore/health", process, tls)
        yield url
    finally:
        process.terminate()
        process.wait()


def _wait_until_healthy(url: str, process: subprocess.Popen[bytes], tls: TlsSettings) -> None:
    pause, trusted = threading.Event(), ssl.create_default_context(cafile=tls.authority)
    for _ in range(READY_SECONDS * 10):
        assert process.poll() is None, "streamlit ended by itself"
        with suppress(OSError), urllib.request.urlopen(url, timeout=5, context=trusted) as answer:
            if answer.status == 200:
                return
        pause.wait(0.1)
    raise AssertionError(f"{url} did not answer within {READY_SECONDS} s")
