"""A demo takes no other's service for its own."""

from __future__ import annotations

import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from types import SimpleNamespace

import pytest
from rich.console import Console

from threadline.cli.demo import _wait_until_ready
from threadline.errors import SettingsError


class Ready(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Nothing: the test asserts."""


def test_a_service_that_cannot_listen_is_not_mistaken_for_the_one_that_does(tmp_path: Path):
    server = HTTPServer(("127.0.0.1", 0), Ready)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    settings = SimpleNamespace(api=SimpleNamespace(listen=f"127.0.0.1:{server.server_port}"))
    output = tmp_path / "service.log"
    program = "import time; time.sleep(0.3); print('setting api.listen: in use')"
    with output.open("wb") as log:
        ours = subprocess.Popen([sys.executable, "-c", program], stdout=log)

    with pytest.raises(SettingsError, match="in use"):
        _wait_until_ready(settings, ours, output, Console())
    server.shutdown()
