"""Trying out receivers through the running service."""

from __future__ import annotations

import argparse
from urllib.parse import quote

from rich.console import Console
from rich.table import Table

from threadline import terminal, wire
from threadline.cli.access import me
from threadline.cli.outcomes import DONE, NO
from threadline.cli.questions import ask

console = Console()
complaints = Console(stderr=True)


def test(arguments: argparse.Namespace) -> int:
    """Send a test to one receiver; without a name, say which there are."""
    if not arguments.receiver:
        return _listing(arguments)
    answer = ask(arguments, f"/receivers/{quote(arguments.receiver)}/test", {}, {"actor": me()})
    if answer.is_error:
        complaints.print(terminal.problem(wire.Problem.model_validate(answer.json())))
        return NO
    trial = wire.ReceiverTrial.model_validate(answer.json())
    if arguments.json:
        print(answer.text)
    elif trial.delivered:
        console.print(f"{trial.receiver} took a test message", markup=False)
    else:
        hint = "; it may pass" if trial.passing else "; trying again will not help"
        complaints.print(f"{trial.receiver}: {trial.failure}{hint}", markup=False)
    return DONE if trial.delivered else NO


def _listing(arguments: argparse.Namespace) -> int:
    answer = ask(arguments, "/receivers", {})
    if arguments.json:
        print(answer.text)
        return DONE
    table = Table(box=None, pad_edge=False, header_style="dim", padding=(0, 2, 0, 0))
    for head in ("Receiver", "Type", "At most", "While it is down"):
        table.add_column(head, overflow="fold")
    for one in wire.Page[wire.Receiver].model_validate(answer.json()).items:
        kind = one.type or f"left out: set {', '.join(one.lacks)}"
        rate = f"{one.limit} in {one.per_seconds:g} s" if one.limit else "no limit"
        table.add_row(one.name, kind, rate if one.type else "", ", ".join(one.fallback))
    console.print(table)
    return DONE
