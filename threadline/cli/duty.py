"""Who is on duty."""

from __future__ import annotations

import argparse
from urllib.parse import quote

import httpx
from rich.table import Table

from threadline import terminal, wire
from threadline.cli.outcomes import DONE, NO
from threadline.cli.questions import ask, complaints, console
from threadline.zones import zone


def rotas(arguments: argparse.Namespace) -> int:
    """All rotas in a line each, or one with what is to come; exit code 1 where it is not known."""
    asked = {"at": arguments.at.isoformat()} if arguments.at else {}
    if arguments.rota:
        answer = ask(arguments, f"/rotas/{quote(arguments.rota, safe='')}", asked)
    else:
        answer = ask(arguments, "/rotas", asked)
    if answer.is_error:
        complaints.print(terminal.problem(wire.Problem.model_validate(answer.json())))
        return NO
    if arguments.json:
        print(answer.text)
    elif arguments.rota:
        _one(wire.Rota.model_validate(answer.json()))
    else:
        _all(answer)
    return DONE


def _all(answer: httpx.Response) -> None:
    items = wire.Page[wire.Rota].model_validate(answer.json()).items
    for rota in items:
        console.print(f"{rota.title}: {rota.text}", markup=False, soft_wrap=True)
    if not items:
        complaints.print("There are no rotas: docs/on-call.md says how to declare one.")


def _one(rota: wire.Rota) -> None:
    console.print(f"{rota.title}: {rota.text}", markup=False, soft_wrap=True)
    table = Table("since", "on duty", "by", "told at", box=None, header_style="dim")
    for shift in rota.shifts:
        since = f"{shift.since.astimezone(zone(rota.zone)):%a %d %b %Y %H:%M}"
        names = ", ".join(shift.members) or "nobody"
        table.add_row(since, names, shift.by, ", ".join(shift.receivers))
    console.print(table)
    for one in rota.overrides:
        why = f"override {one.number}: {one.member} until {one.until:%Y-%m-%d %H:%M}Z, by {one.who}"
        console.print(f"{why}: {one.why}", markup=False, soft_wrap=True)
