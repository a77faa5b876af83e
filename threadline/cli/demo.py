"""`threadline demo`: the whole service, a small world of contracts, and what to look at."""

from __future__ import annotations

import argparse
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from datetime import datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import httpx
from rich.console import Console
from rich.panel import Panel
from rich.progress import BarColumn, Progress, TextColumn
from rich.text import Text

from collector.imports import BATCH_TYPE, import_file
from threadline import settings as settings_module
from threadline.cli.month_end import MonthEnd
from threadline.cli.outage import watching
from threadline.clock import SystemClock
from threadline.errors import SettingsError, ThreadlineError
from threadline.serving import require_free
from threadline.settings import Settings
from threadline.simulator import NotDelivered, Story, World, live, made_up, play

READY_SECONDS = 60
UP = "Threadline is up"  # says `threadline up`
DRAIN_SECONDS = 60
# Escalates after half a minute, so that one can watch it.
IMPATIENT = Path(__file__).parent / "demo-definitions"

# No mail server is set: it is shown and never sent.
SUMMARY = {"name": "board", "every": "weekly", "to": ["board@example.com"]}


def demo(arguments: argparse.Namespace) -> int:
    """Play the world, then let it go on until Ctrl-C; everything it wrote goes with it."""
    console = Console()
    with suppress(KeyboardInterrupt):
        _played(arguments, console)
    console.print("The demo has ended; its data is gone.")
    return 0


def _played(arguments: argparse.Namespace, console: Console) -> None:
    clock = SystemClock()
    with ExitStack() as stack:
        data = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="threadline-demo-")))
        settings = settings_module.load(arguments.settings, data_dir=data)
        _end_on_signals()
        require_free(settings)
        webhook = stack.enter_context(_receiver(console))
        stack.enter_context(_service(settings, data, webhook, console))
        world = World(arguments.seed, arguments.contracts, now=clock.now())
        books = MonthEnd(world.now, clock)
        story = _play(settings, world, console, books.before)
        _wait_until_derived(settings, console)
        world.go_live(clock.now())
        console.print(_what_to_look_at(settings, story, world.live_outage))
        stop = threading.Event()
        stack.enter_context(watching(f"http://{settings.api.listen}", console.print, clock, stop))
        stack.enter_context(books.closing(f"http://{settings.api.listen}", console.print, stop))
        if arguments.seconds:
            ending = threading.Timer(arguments.seconds, stop.set)
            ending.start()
            stack.callback(ending.cancel)
        with suppress(NotDelivered):  # Ctrl-C ends the service first, or it died: then it says why
            live(world, *_wires(settings), stop, clock.now)


@contextmanager
def _receiver(console: Console) -> Iterator[str]:
    """A webhook receiver on loopback that prints what it is sent; its URL."""

    class Receiver(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("content-length", 0)))
            self.send_response(204)
            self.end_headers()
            console.print(_page(body))

        def log_message(self, *_: object) -> None:
            """The page itself is printed; the access log would only repeat it."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Receiver)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/pages"
    finally:
        server.shutdown()


def _end_on_signals() -> None:
    """A demo that is told to go takes its service and its data with it, as after Ctrl-C."""

    def end(*_: object) -> None:
        raise KeyboardInterrupt

    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, end)


def _page(body: bytes) -> Panel:
    page = json.loads(body)
    value = f"{page['value']} {page['currency']}"
    about = f"contract {page['contract']} · {value} · due {page['due_at']}"
    lines = [
        page["what"],
        *([about] if page["contract"] else []),
        f"owner {page['owner']} · next: {' '.join(page['next_moves'][:1])}",
        page["links"].get("contract", page["links"]["incident"]),
    ]
    again = " again: nobody has acknowledged" if page["escalated"] else ""
    title = f"the webhook receiver was paged{again}"
    return Panel(Text("\n".join(lines)), title=title, border_style="red")


def _what_to_look_at(
    settings: Settings, story: Story, outage: tuple[datetime, datetime] | None
) -> Panel:
    hero = story.hero
    dashboards = f"http://{settings.dashboards.listen}"
    lines = [
        f"{story.contracts} contracts, {story.spans:,} spans, {story.events:,} events and "
        f"{story.rows:,} rows of {story.files:,} nightly files were played.",
        "",
        f"Executive   {dashboards}",
        f"Contract    {dashboards}/contract?id={hero.contract}",
        f"On-call     {dashboards}/on-call",
        f"Closes      {dashboards}/closes",
        f"API         http://{settings.api.listen}/docs",
        "",
        f"Stuck: {hero.contract}, because {hero.reason}. In another terminal, any of",
        f"  .venv/bin/threadline trace {hero.contract}",
        f"  .venv/bin/threadline trace {hero.project}",
        f"  .venv/bin/threadline trace {hero.purchase_order}",
        f"  .venv/bin/threadline trace {hero.trace}",
        "finds the same thread.",
        "",
        "What the board would get by mail on Monday:",
        "  .venv/bin/threadline summary --out summary.html",
        "",
        "Two promises break while you watch, with no event coming:",
        *(
            f"  {breach.contract} ({breach.promise}) at {breach.due_at:%H:%M:%S} UTC"
            for breach in story.live_breaches
        ),
        "",
        *_outage_to_come(outage),
        "New contracts start every few seconds. Ctrl-C ends everything.",
    ]
    return Panel(Text("\n".join(lines)), title="Threadline is live", border_style="green")


def _outage_to_come(outage: tuple[datetime, datetime] | None) -> list[str]:
    if outage is None:
        return []
    return [
        f"At {outage[0]:%H:%M:%S} UTC the ERP stops answering, until {outage[1]:%H:%M:%S}.",
        "Contracts hang on it: one incident opens, grows, escalates and heals.",
        "Acknowledge it on the On-call page, or the demo does so after a while.",
        "",
    ]


@contextmanager
def _service(settings: Settings, data: Path, webhook: str, console: Console) -> Iterator[None]:
    """The service and the dashboards as a user runs them: `threadline up`."""
    environment = os.environ | {
        "THREADLINE_DATA_DIR": str(data),
        "THREADLINE_ALERTS__WEBHOOK_URL": webhook,
    }
    environment.setdefault("THREADLINE_SUMMARIES", json.dumps([SUMMARY]))
    environment.setdefault("THREADLINE_DEFINITIONS_DIR", str(_definitions(data)))
    output = data / "service.log"
    with output.open("wb") as log:
        service = subprocess.Popen(
            [sys.executable, "-m", "threadline.cli", "up"],
            env=environment,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        try:
            _wait_until_ready(settings, service, output, console)
            yield
        finally:
            service.terminate()
            with suppress(subprocess.TimeoutExpired):
                service.wait(timeout=20)
            service.kill()


def _definitions(data: Path) -> Path:
    """The demo's own: impatient policies, and rates of these days."""
    copied = Path(shutil.copytree(IMPATIENT, data / "demo-definitions"))
    (copied / "rates.yaml").write_text(made_up(SystemClock().now()), encoding="utf-8")
    return copied


def _wait_until_ready(
    settings: Settings, service: subprocess.Popen[bytes], output: Path, console: Console
) -> None:
    """What answers at the address may be another's: our own says when it listens there."""
    url = f"http://{settings.api.listen}/readyz"
    with console.status("starting the service…"):
        for _ in _ticks(READY_SECONDS):
            if service.poll() is not None:
                raise SettingsError(_last_words(output))
            with suppress(httpx.HTTPError):
                ours = UP in output.read_text(errors="replace")
                if ours and httpx.get(url).status_code == httpx.codes.OK:
                    return
    raise ThreadlineError(f"the service was not ready within {READY_SECONDS} s: see {output}")


def _play(
    settings: Settings, world: World, console: Console, before: Callable[[datetime], None]
) -> Story:
    with Progress(TextColumn("{task.description}"), BarColumn(), console=console) as progress:
        task = progress.add_task("playing 90 days of contracts over the wire")

        def show(done: int, total: int) -> None:
            progress.update(task, completed=done, total=total)

        try:
            return play(world, *_wires(settings), show, _importing(settings), before)
        except NotDelivered as error:
            raise ThreadlineError(f"the service did not take the world: {error}") from error


def _importing(settings: Settings) -> Callable[[Path, Path], object]:
    """Nightly files go the way of `threadline import`."""
    url = _wires(settings)[2]

    def post(body: bytes) -> None:
        try:
            answer = httpx.post(url, content=body, headers={"content-type": BATCH_TYPE}, timeout=30)
            answer.raise_for_status()
        except httpx.HTTPError as error:
            raise NotDelivered(f"a nightly file was not accepted by {url}: {error}") from error

    return lambda file, mapping: import_file(file, mapping, post)


def _wait_until_derived(settings: Settings, console: Console) -> None:
    url = f"http://{settings.api.listen}/api/v1/health"
    with console.status("deriving cases…"):
        for _ in _ticks(DRAIN_SECONDS):
            if httpx.get(url).json()["entries_behind"] == 0:
                return
    raise ThreadlineError(f"input was still waiting after {DRAIN_SECONDS} s: see {url}")


def _wires(settings: Settings) -> tuple[str, str, str]:
    http = f"http://{settings.intake.http}"
    return http, settings.intake.grpc, f"{http}/v1/events"


def _ticks(seconds: float) -> Iterator[None]:
    clock = SystemClock()
    start = clock.monotonic()
    while clock.monotonic() - start < seconds:
        yield
        threading.Event().wait(0.25)


def _last_words(output: Path) -> str:
    lines = output.read_text(errors="replace").strip().splitlines()
    return "\n".join(lines[-5:]) or "the service ended without a word"
