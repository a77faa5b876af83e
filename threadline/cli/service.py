"""Running the service and the dashboards."""

from __future__ import annotations

import argparse
import asyncio
import logging
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from threadline import app
from threadline import settings as settings_module
from threadline.cli import sign_in
from threadline.clock import SystemClock
from threadline.serving import require_free
from threadline.settings import Settings, host_and_port

DASHBOARDS = Path(__file__).parents[2] / "dashboards" / "served.py"


def up(arguments: argparse.Namespace) -> int:
    """The service and the dashboards, ended together."""
    settings = _settings(arguments)
    sign_in.admit(settings)
    require_free(settings)
    with dashboards_beside(settings):
        return _serve(settings, f"dashboards  {settings.dashboards_url}")


def serve(arguments: argparse.Namespace) -> int:
    """The service alone."""
    return _serve(_settings(arguments))


def dashboards(arguments: argparse.Namespace) -> int:
    """The dashboards alone, until they are stopped."""
    settings = _settings(arguments)
    sign_in.admit(settings)
    return subprocess.run(
        _streamlit(settings), env=_dashboards_environment(settings), check=False
    ).returncode


@contextmanager
def dashboards_beside(settings: Settings) -> Iterator[None]:
    """The dashboards as a process that ends with this one."""
    process = subprocess.Popen(
        _streamlit(settings), env=_dashboards_environment(settings), start_new_session=True
    )
    try:
        yield
    finally:
        process.terminate()
        process.wait()


def _serve(settings: Settings, *more: str) -> int:
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
    for chatty in ("httpx", "alembic"):
        logging.getLogger(chatty).setLevel(logging.WARNING)
    # It warns whenever a turn is not over when the next one is due; turns see to that themselves.
    logging.getLogger("apscheduler").setLevel(logging.ERROR)

    def ready() -> None:
        lines = [
            f"OTLP/gRPC   {settings.intake.grpc}",
            f"OTLP/HTTP, CloudEvents  {settings.intake_url}",
            f"API         {settings.api_url}/docs",
            *more,
        ]
        print("\n".join(["Threadline is up", *lines]), flush=True)

    asyncio.run(app.serve(settings, SystemClock(), ready))
    return 0


def _settings(arguments: argparse.Namespace) -> Settings:
    return settings_module.load(arguments.settings)


def _streamlit(settings: Settings) -> list[str]:
    host, port = host_and_port(settings.dashboards.listen)
    flags = {
        "server.address": host,
        "server.port": str(port),
        "server.headless": "true",
        "browser.gatherUsageStats": "false",
        **sign_in.flags(settings),
    }
    program = [sys.executable, "-m", "streamlit", "run", str(DASHBOARDS)]
    return [*program, *(f"--{name}={value}" for name, value in flags.items())]


def _dashboards_environment(settings: Settings) -> Mapping[str, str]:
    return os.environ | {
        "THREADLINE_API_URL": settings.api_url,
        "THREADLINE_API_TOKEN": settings.dashboards.token.get_secret_value(),
        "THREADLINE_API_AUTHORITY": str(settings.tls.authority or ""),
        "THREADLINE_API_TIMEOUT": str(30 + settings.as_of.wait_seconds),
        "THREADLINE_INTAKE_URL": settings.intake_url,
        "THREADLINE_DASHBOARDS_SECURE": str(int(settings.dashboards_url.startswith("https://"))),
    }
