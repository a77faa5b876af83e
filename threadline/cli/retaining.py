"""What a running service keeps; having it drop what was kept long enough, or erase a person."""

from __future__ import annotations

import argparse
from typing import Any

import httpx
from rich.console import Console

from threadline import settings as settings_module
from threadline import terminal
from threadline.cli.access import me
from threadline.cli.clients import client, remedy
from threadline.cli.outcomes import DONE, NO, Away
from threadline.wire import Erased, Going, Kept, Problem, Retained

console = Console()
complaints = Console(stderr=True)


def retain(arguments: argparse.Namespace) -> int:
    """Drop the bodies that are due, or say which would be, and what is kept."""
    asked = {"dry_run": arguments.dry_run, "actor": me()}
    answer = _ask(arguments, "POST", "/keeping/retain", asked)
    if answer.is_error:
        return _refused(answer)
    kept = _ask(arguments, "GET", "/keeping")
    if kept.is_error:
        return _refused(kept)
    if arguments.json:
        print(answer.text)
        return DONE
    _show(Retained.model_validate(answer.json()), Kept.model_validate(kept.json()))
    return DONE


def erase(arguments: argparse.Namespace) -> int:
    """A person's identifiers out of everything that is kept, or where they stand."""
    asked = {
        "identifiers": arguments.identifier,
        "reason": arguments.reason,
        "dry_run": arguments.dry_run,
        "actor": me(),
    }
    answer = _ask(arguments, "POST", "/keeping/erasures", asked)
    if answer.is_error:
        return _refused(answer)
    if arguments.json:
        print(answer.text)
        return DONE
    done = Erased.model_validate(answer.json())
    for name, count in done.places.items():
        console.print(f"{name:<32} {count:>8,}", markup=False, highlight=False)
    verb = "would be replaced" if done.dry_run else "replaced"
    values = f"{sum(done.places.values()):,} values in {done.entries:,} inputs {verb}"
    if done.dry_run:
        console.print(f"{values}; nothing was changed")
    else:
        names = ", ".join(done.pseudonyms)
        then = "the index is derived anew now" if done.entries else "new input is looked through"
        console.print(f"{values} by {names}; {then}", soft_wrap=True)
    return DONE


def _show(done: Retained, kept: Kept) -> None:
    verb = "would go" if done.dry_run else "dropped"
    for one in done.dropped:
        console.print(
            f"{_stretch(one)}  {one.size / 1e6:>10,.1f} MB  {verb}: {one.why}", soft_wrap=True
        )
    if done.contracts:
        verb = "would be forgotten" if done.dry_run else "forgotten; the index is derived anew now"
        console.print(f"{done.contracts:,} contracts with {done.facts:,} facts {verb}")
    if not done.dropped and not done.contracts:
        console.print("nothing is due")
    kinds = {
        "inputs as received": kept.bodies_days,
        "contracts that are over": kept.contracts_days,
        "closes": kept.closes_days,
    }
    for name, days in kinds.items():
        console.print(f"{name}: kept {'for ever' if days is None else f'for {days:g} days'}")
    parts = {
        "as received": kept.bodies_bytes,
        "sealed": kept.sealed_bytes,
        "index": kept.telemetry_bytes,
        "control store": kept.control_bytes,
    }
    taken = ", ".join(f"{name} {size / 1e6:,.1f} MB" for name, size in parts.items())
    budget = "" if kept.budget_bytes is None else f" of a budget of {kept.budget_bytes / 1e6:,.0f}"
    console.print(
        f"kept: {taken}; together {kept.total_bytes / 1e6:,.1f}{budget} MB", soft_wrap=True
    )
    if kept.warning:
        complaints.print(kept.warning, style="yellow", markup=False, soft_wrap=True)


def _stretch(one: Going) -> str:
    return f"received {one.begun:%Y-%m-%d %H:%M} to {one.ended:%Y-%m-%d %H:%M}"


def _ask(
    arguments: argparse.Namespace, method: str, path: str, asked: dict[str, Any] | None = None
) -> httpx.Response:
    """Whatever it takes: a segment is sealed in seconds, a long log in minutes."""
    settings = settings_module.load(arguments.settings)
    address = arguments.api or settings.api_url
    try:
        with client(settings, 3_600) as http:
            return http.request(method, f"{address}/api/v1{path}", json=asked)
    except httpx.HTTPError as error:
        raise Away(f"the API at {address} does not answer ({error}): is the service up?") from error


def _refused(answer: httpx.Response) -> int:
    problem = Problem.model_validate(answer.json())
    more = problem.model_copy(update={"detail": problem.detail + remedy(answer.status_code)})
    complaints.print(terminal.problem(more))
    return NO
