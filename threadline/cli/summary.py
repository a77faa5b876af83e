"""An executive summary: printed, written as HTML, or sent."""

from __future__ import annotations

import argparse
from urllib.parse import quote

import httpx

from threadline import terminal, wire
from threadline.cli.outcomes import DONE, NO
from threadline.cli.questions import ask, complaints, console
from threadline.errors import ThreadlineError
from threadline.wire import phrases
from threadline.wire.summaries import SummaryDelivery, SummaryLetter, SummaryRow


def summary(arguments: argparse.Namespace) -> int:
    """What would be sent now; with `--send` it is. Exit code 1 when it was not sent."""
    if arguments.send and arguments.out:
        raise ThreadlineError("--send sends and --out writes: say one of both")
    path = f"/summaries/{quote(_name(arguments), safe='')}"
    if arguments.send:
        return _sent(arguments, ask(arguments, f"{path}/send", {}, {}))
    answer = ask(arguments, path, {})
    if answer.is_error:
        return _refused(answer)
    letter = SummaryLetter.model_validate(answer.json())
    if arguments.out:
        arguments.out.write_text(letter.html, encoding="utf-8")
        complaints.print(f"{letter.subject}\nwritten to {arguments.out}", markup=False)
    elif arguments.json:
        print(answer.text)
    else:
        print(f"To: {', '.join(letter.to)}\nSubject: {letter.subject}\n\n{letter.text}")
    return DONE


def _name(arguments: argparse.Namespace) -> str:
    """The one asked for, or the only one that is set up."""
    if arguments.name:
        return str(arguments.name)
    found = wire.Page[SummaryRow].model_validate(ask(arguments, "/summaries", {}).json()).items
    if not found:
        raise ThreadlineError("no summary is set up: docs/summaries.md says how")
    if len(found) > 1:
        names = ", ".join(row.name for row in found)
        raise ThreadlineError(f"several summaries are set up: say --name with one of {names}")
    return found[0].name


def _sent(arguments: argparse.Namespace, answer: httpx.Response) -> int:
    if answer.is_error:
        return _refused(answer)
    went = SummaryDelivery.model_validate(answer.json())
    if arguments.json:
        print(answer.text)
    elif went.outcome == "sent":
        console.print(f"Sent at {phrases.instant(went.at)}.")
    else:
        complaints.print(f"Not sent: {went.reason}", markup=False)
    return DONE if went.outcome == "sent" else NO


def _refused(answer: httpx.Response) -> int:
    complaints.print(terminal.problem(wire.Problem.model_validate(answer.json())))
    return NO
