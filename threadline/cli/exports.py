"""Writing event logs for process mining."""

from __future__ import annotations

import argparse
from pathlib import Path
from threading import Event

import httpx
from rich.console import Console

from threadline import settings as settings_module
from threadline import terminal, wire
from threadline.cli.clients import client, remedy
from threadline.cli.outcomes import DONE, NO, Away
from threadline.errors import ThreadlineError

FORMATS = ("jsonocel", "xmlocel", "sqlite", "xes", "xes.gz")
_ENDINGS = {"json": "jsonocel", "xml": "xmlocel", "db": "sqlite"} | {one: one for one in FORMATS}
LONGEST = 3600  # seconds until the first byte: a log is written whole before it is sent

console = Console()
complaints = Console(stderr=True)


def export(arguments: argparse.Namespace) -> int:
    """The facts of contracts as an event log in a file, which is there whole or not at all."""
    settings = settings_module.load(arguments.settings)
    address = arguments.api or settings.api_url
    url = f"{address}/api/v1/exports/{arguments.format or _format(arguments.file)}"
    asked = {
        "journey": arguments.journey,
        "contract": arguments.contract,
        "log": arguments.log,
        "from": arguments.since and arguments.since.isoformat(),
        "to": arguments.until and arguments.until.isoformat(),
        "as_of": arguments.as_of and arguments.as_of.isoformat(),
    }
    given = {name: value for name, value in asked.items() if value}
    try:
        with client(settings, LONGEST) as http, complaints.status("exporting"):
            while wait := _written(http, url, given, arguments.file):
                Event().wait(wait)
    except httpx.HTTPStatusError as refused:
        status = refused.response.status_code
        problem = wire.Problem.model_validate(refused.response.json())
        if status in (httpx.codes.UNAUTHORIZED, httpx.codes.FORBIDDEN):
            raise ThreadlineError(f"{problem.detail}{remedy(status)}") from refused
        complaints.print(terminal.problem(problem))
        return NO
    except httpx.HTTPError as error:
        raise Away(f"the API at {address} does not answer ({error}): is the service up?") from error
    except OSError as error:
        raise ThreadlineError(f"{arguments.file} cannot be written: {error.strerror}") from error
    return DONE


def _format(file: Path) -> str:
    ending = file.name.partition(".")[2].lower()
    for known, name in _ENDINGS.items():
        if ending == known or ending.endswith(f".{known}"):
            return name
    raise ThreadlineError(f"{file}: say --format, one of {', '.join(FORMATS)}")


def _written(http: httpx.Client, url: str, asked: dict[str, str], file: Path) -> float:
    """0 once the answer is in `file`; else how many seconds to wait before asking again."""
    with http.stream("GET", url, params=asked) as answer:
        if answer.is_error:
            answer.read()
            if "as_of" in asked and answer.status_code == httpx.codes.SERVICE_UNAVAILABLE:
                return float(answer.headers.get("retry-after", "5"))
            answer.raise_for_status()
        part = file.with_name(f"{file.name}.part")
        with part.open("wb") as out:
            for chunk in answer.iter_raw():
                out.write(chunk)
        part.replace(file)
        count = {
            name: int(answer.headers[f"threadline-{name}"])
            for name in ("contracts", "events", "objects", "untimed")
        }
    console.print(
        f"{file}: {count['events']:,} events of {count['objects']:,} objects in"
        f" {count['contracts']:,} contracts; left out for want of a time: {count['untimed']:,}",
        markup=False,
        soft_wrap=True,
    )
    return 0
