"""Asking a running service."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from threading import Event
from urllib.parse import quote

import httpx
from rich.console import Console

from threadline import settings as settings_module
from threadline import terminal, wire
from threadline.cli.clients import client, remedy
from threadline.cli.compared import comparison_in_words
from threadline.cli.outcomes import DONE, NO, Away
from threadline.cli.why import evidence_in_words
from threadline.clock import SystemClock
from threadline.errors import ThreadlineError

MOST = 500  # in one answer
_ASK_AGAIN = httpx.codes.SERVICE_UNAVAILABLE

console = Console()
complaints = Console(stderr=True)


def trace(arguments: argparse.Namespace) -> int:
    """A contract's thread, or with `--why` the evidence for one of its identifiers."""
    if arguments.why and arguments.as_of:
        raise ThreadlineError("--why tells of the present only: leave --as-of out")
    list_of = "identifiers" if arguments.why else "contracts"
    answer = ask(arguments, f"/{list_of}/{quote(arguments.id, safe='')}", past(arguments))
    if answer.is_error:
        complaints.print(terminal.problem(wire.Problem.model_validate(answer.json())))
        return NO
    if arguments.json:
        print(answer.text)
    elif arguments.why:
        found = wire.Page[wire.IdentifierEvidence].model_validate(answer.json())
        console.print(evidence_in_words(found.items))
    else:
        console.print(terminal.thread(wire.Thread.model_validate(answer.json())))
    return DONE


def kpis(arguments: argparse.Namespace) -> int:
    """The KPIs of a window that ends now, or then, or of the one named."""
    window = arguments.window or f"last-{arguments.days}-days"
    asked = {"window": window} | ({"journey": arguments.journey} if arguments.journey else {})
    answer = ask(arguments, "/kpis", asked | past(arguments))
    if answer.is_error:
        complaints.print(terminal.problem(wire.Problem.model_validate(answer.json())))
        return NO
    if arguments.json:
        print(answer.text)
    else:
        page = wire.Page[wire.Kpi].model_validate(answer.json())
        console.print(terminal.kpis(page.items))
    return DONE


def compare(arguments: argparse.Namespace) -> int:
    """A KPI before and after an instant, or of two parts of a dimension."""
    asked = {"to": arguments.to, "from": arguments.since, "at": arguments.at}
    given = {name: at.isoformat() for name, at in asked.items() if at}
    for name in ("by", "before", "after", "journey", "currency"):
        given |= {name: value} if (value := getattr(arguments, name)) else {}
    path = f"/kpis/{quote(arguments.kpi, safe='')}/comparison"
    answer = ask(arguments, path, given | past(arguments))
    if answer.is_error:
        complaints.print(terminal.problem(wire.Problem.model_validate(answer.json())))
        return NO
    if arguments.json:
        print(answer.text)
    else:
        found = wire.KpiComparison.model_validate(answer.json())
        console.print(comparison_in_words(found, parts=bool(arguments.by)))
    return DONE


def mismatches(arguments: argparse.Namespace) -> int:
    """Copies that differ from their master, those that differ most first."""
    asked = {name: getattr(arguments, name) for name in ("attribute", "system", "state")}
    given = {name: value for name, value in asked.items() if value}
    answer = ask(arguments, "/mismatches", given | {"limit": str(MOST)})
    if answer.is_error:
        complaints.print(terminal.problem(wire.Problem.model_validate(answer.json())))
        return NO
    if arguments.json:
        print(answer.text)
        return DONE
    page = wire.Page[wire.Mismatch].model_validate(answer.json())
    console.print(terminal.mismatches(page.items, SystemClock().now()))
    if page.next:
        complaints.print(f"The first {MOST}; filter them, or ask the API for the rest.")
    return DONE


def past(arguments: argparse.Namespace) -> dict[str, str]:
    """The past instant asked about, as a parameter."""
    return {"as_of": arguments.as_of.isoformat()} if arguments.as_of else {}


def ask(
    arguments: argparse.Namespace,
    path: str,
    asked: Mapping[str, str],
    body: Mapping[str, object] | None = None,
) -> httpx.Response:
    """The answer to a question, or to what is posted with a `body`; waits for a past to be derived.

    Raises `Away` where nothing answers, `ThreadlineError` where whoever asks may not.
    """
    settings = settings_module.load(arguments.settings)
    address = arguments.api or settings.api_url
    try:
        with client(settings, 30 + settings.as_of.wait_seconds) as http:
            method = "GET" if body is None else "POST"
            request = http.build_request(
                method, f"{address}/api/v1{path}", params=dict(asked), json=body
            )
            answer = http.send(request)
            while ("as_of" in asked or body) and answer.status_code == _ASK_AGAIN:
                complaints.print(wire.Problem.model_validate(answer.json()).detail)
                Event().wait(float(answer.headers.get("retry-after", "5")))
                answer = http.send(request)
    except httpx.HTTPError as error:
        raise Away(f"the API at {address} does not answer ({error}): is the service up?") from error
    if answer.status_code in (httpx.codes.UNAUTHORIZED, httpx.codes.FORBIDDEN):
        problem = wire.Problem.model_validate(answer.json())
        raise ThreadlineError(f"{problem.detail}{remedy(answer.status_code)}")
    return answer
