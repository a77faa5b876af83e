"""Definitions and settings checked, and what activating them would do."""

from __future__ import annotations

import argparse
from datetime import timedelta
from typing import Any

import httpx
from rich.console import Console
from rich.table import Table

from alerts.duty.loading import Rotas
from alerts.duty.rota import unattended
from alerts.duty.words import shown
from collector.mapping import Mapping
from collector.mapping.explanation import explain, warnings
from metrics.definitions import Definitions
from threadline import activation, wire
from threadline import settings as settings_module
from threadline.activation import Active
from threadline.cli.clients import client, remedy
from threadline.cli.outcomes import DONE, NO, Away
from threadline.cli.previewing import preview
from threadline.cli.replaying import replay
from threadline.clock import SystemClock
from threadline.errors import DefinitionErrors, ThreadlineError
from threadline.settings import Settings

PATIENCE = 600.0  # seconds: thousands of contracts are derived twice
AHEAD = timedelta(days=28)  # rotas are looked at for so long

console = Console()
complaints = Console(stderr=True)


def check(arguments: argparse.Namespace) -> int:
    """Settings and definitions, each fault on a line of its own."""
    settings = settings_module.load(arguments.settings)
    try:
        active = activation.load(settings)
    except DefinitionErrors as errors:
        for error in errors.errors:
            complaints.print(str(error), markup=False, soft_wrap=True)
        complaints.print(f"{len(errors.errors)} fault(s): the service would not start")
        return NO
    derivation = active.derivation
    if arguments.against is not None:
        return _against(arguments, settings, derivation.definitions)
    if arguments.replay is not None:
        return _replay(arguments, settings, active)
    console.print(
        f"settings and definitions are sound: {len(derivation.mapping.objects)} object types,"
        f" {len(derivation.mapping.sources)} sources,"
        f" {len(derivation.definitions.journeys)} journeys,"
        f" {len(derivation.definitions.kpis)} KPIs, alert policies:"
        f" {', '.join(sorted(active.policies.escalations))} ({len(active.policies.rules)} rules),"
        f" {len(active.rotas.by_name)} rotas, {len(active.windows.all)} maintenance windows"
    )
    console.print(_identity(derivation.mapping))
    for source in derivation.mapping.sources:
        if source.senders:
            senders = ", ".join(sorted(source.senders))
            console.print(f"only {senders} may speak for {source.system}", markup=False)
    _say_who_is_missing(active.rotas)
    for receiver, lacking in active.policies.left_out.items():
        unset = ", ".join(lacking)
        complaints.print(
            f"warning: receiver {receiver} is left out, nobody is told through it: set {unset}",
            markup=False,
            soft_wrap=True,
        )
    for warning in warnings(derivation.mapping):
        complaints.print(f"warning: {warning}", markup=False, soft_wrap=True)
    return DONE


def _against(arguments: argparse.Namespace, settings: Settings, definitions: Definitions) -> int:
    """What activating these would do to the cases of a running service."""
    address = arguments.against or settings.api_url
    asked = wire.PreviewRequest(metrics=dict(definitions.content), claims=arguments.claims)
    if not arguments.json:
        complaints.print(f"deriving the cases known at {address} under both…", markup=False)
    answer = _asked(settings, f"{address}/api/v1/definitions/preview", asked.model_dump())
    if arguments.json:
        print(answer)
    else:
        console.print(preview(wire.Preview.model_validate_json(answer)))
    return DONE


def _replay(arguments: argparse.Namespace, settings: Settings, active: Active) -> int:
    """What these policies would have done over what a running service knows."""
    address = arguments.replay or settings.api_url
    days = int(arguments.since.removesuffix("d"))
    asked = wire.ReplayRequest(
        policies=dict(active.policies.contents), rule=arguments.rule, days=days
    )
    if not arguments.json:
        told = f"playing the rules over the last {days} days known at {address}…"
        complaints.print(told, markup=False)
    answer = _asked(settings, f"{address}/api/v1/definitions/replay", asked.model_dump())
    if arguments.json:
        print(answer)
    else:
        found = wire.Replay.model_validate_json(answer)
        console.print(replay(found, settings.dashboards_url))
    return DONE


def _asked(settings: Settings, url: str, question: dict[str, Any]) -> str:
    """The answer as it came; raises `Away` or `ThreadlineError`."""
    try:
        with client(settings, PATIENCE) as http:
            answer = http.post(url, json=question)
    except httpx.HTTPError as error:
        raise Away(f"{url} does not answer ({error}): is the service up?") from error
    if answer.is_error:
        problem = wire.Problem.model_validate(answer.json())
        raise ThreadlineError(f"{problem.detail}{remedy(answer.status_code)}")
    return answer.text


def _say_who_is_missing(rotas: Rotas) -> None:
    now = SystemClock().now()
    for rota in rotas.by_name.values():
        if gap := unattended(rota, now, now + AHEAD):
            said = f"warning: rota {rota.name}: nobody is on duty at {shown(rota, gap)}"
            complaints.print(said, markup=False, soft_wrap=True)


def _identity(mapping: Mapping) -> Table:
    """What names what, and what it belongs to."""
    table = Table(box=None, pad_edge=False, header_style="dim", padding=(0, 2, 0, 0))
    for head in ("Object", "Belongs to", "System of record", "Named by"):
        table.add_column(head, overflow="fold")
    for one in explain(mapping):
        owners = " or ".join(one.belongs_to) or "it is a root"
        tied = owners if one.links else "never tied"
        tied += f" ({one.validity})" if one.validity else ""
        table.add_row(one.object_type, tied, one.master, ", ".join(one.names))
    return table
