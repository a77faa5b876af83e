"""Closing a month, and reading what has become of what was published."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator, Sequence
from urllib.parse import quote

import httpx
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from threadline import terminal, wire
from threadline.cli.access import me
from threadline.cli.outcomes import DONE, NO
from threadline.cli.questions import MOST, ask, complaints, console, past
from threadline.errors import ThreadlineError
from threadline.wire import close_phrases, phrases


def close(arguments: argparse.Namespace) -> int:
    """Freeze a month; exit code 1 when it is closed already or cannot be yet."""
    at = arguments.at.isoformat() if arguments.at else _now(arguments)
    body = {
        "period": arguments.period,
        "at": at,
        "note": arguments.note,
        "again": arguments.again,
        "actor": me(),
    }
    answer = ask(arguments, "/closes", {}, body)
    if answer.is_error:
        return _refused(answer)
    if arguments.json:
        print(answer.text)
    else:
        taken = wire.Close.model_validate(answer.json())
        console.print(f"{close_phrases.taken(taken)}.", markup=False, soft_wrap=True)
        console.print(f"SHA-256 {taken.digest}", markup=False, soft_wrap=True)
    return DONE


def closes(arguments: argparse.Namespace) -> int:
    """All closes; of one month its restatement, or what counts otherwise in one KPI."""
    if (arguments.kpi or arguments.revision or arguments.as_of) and not arguments.period:
        raise ThreadlineError("--kpi, --revision and --as-of go with a month: closes 2026-09 …")
    if not arguments.period:
        answer = ask(arguments, "/closes", {"limit": str(MOST)})
        return _shown(arguments, answer, _list)
    revision = {"revision": str(arguments.revision)} if arguments.revision else {}
    path = f"/closes/{quote(arguments.period, safe='')}/restatement"
    if not arguments.kpi:
        return _shown(arguments, ask(arguments, path, revision | past(arguments)), _restatement)
    asked = revision | past(arguments) | {"limit": str(MOST)}
    answer = ask(arguments, f"{path}/{quote(arguments.kpi, safe='')}", asked)
    return _shown(arguments, answer, _cases)


def _now(arguments: argparse.Namespace) -> str:
    """By the clock of the service: asked again, it is the same instant."""
    return str(ask(arguments, "/health", {}).json()["as_of"])


def _shown(
    arguments: argparse.Namespace,
    answer: httpx.Response,
    told: Callable[[httpx.Response], RenderableType],
) -> int:
    if answer.is_error:
        return _refused(answer)
    if arguments.json:
        print(answer.text)
    else:
        console.print(told(answer))
    return DONE


def _refused(answer: httpx.Response) -> int:
    complaints.print(terminal.problem(wire.Problem.model_validate(answer.json())))
    return NO


def _list(answer: httpx.Response) -> RenderableType:
    found = wire.Page[wire.Close].model_validate(answer.json()).items
    if not found:
        return Text("No month is closed yet: threadline close 2026-09", "dim")
    table = _table("Month", "Rev.", "From what was known on", "Closed by", "Note")
    for one in found:
        known = phrases.instant(one.at)
        table.add_row(one.period, str(one.revision), known, Text(one.who), Text(one.note))
    return table


def _restatement(answer: httpx.Response) -> RenderableType:
    found = wire.Restatement.model_validate(answer.json())
    table = _table("KPI", "Published", "As known now", "Difference", "What it rests on")
    for item in found.items:
        tone = "yellow" if item.differs else "dim"
        table.add_row(
            Text(item.title),
            Text(close_phrases.published(item), "bold"),
            close_phrases.restated(item),
            Text(close_phrases.difference(item), tone),
            Text(close_phrases.moved(item), tone),
        )
    told = [f"{close_phrases.taken(found.close)}."]
    told += [f"Beside it what is known on {phrases.instant(found.as_of)}, of the same instant."]
    told += [f"Defined anew: {close_phrases.changed(one)}." for one in found.definitions]
    if found.heard_since:
        told.append(f"Silent then, and heard of since: {', '.join(found.heard_since)}.")
    if any(item.differs for item in found.items):
        told.append(f"Why: threadline closes {found.close.period} --kpi NAME")
    return Group(table, *(Text(one, "dim") for one in told))


def _cases(answer: httpx.Response) -> RenderableType:
    page = wire.Page[wire.RestatedCase].model_validate(answer.json())
    if not page.items:
        return Text("Everything counts as it did.", "dim")
    more = [Text(f"The first {MOST}; ask the API for the rest.", "dim")] if page.next else []
    return Group(*(Group(*_case(one)) for one in page.items), *more)


def _case(case: wire.RestatedCase) -> Iterator[RenderableType]:
    sides = [close_phrases.standing(one) for one in (case.before, case.after)]
    line = Text(f"{close_phrases.name(case)}  ", "bold")
    yield line.append(f"{close_phrases.HOW[case.how]}: {sides[0]} → {sides[1]}", "not bold")
    for words in _why(case):
        yield Text(f"  {words}", "dim")


def _why(case: wire.RestatedCase) -> Sequence[str]:
    said = [
        f"{fact.system} told on {phrases.instant(fact.received_at)}: {fact.name} of"
        f" {phrases.instant(fact.at)} (fact {fact.fact_id})"
        for fact in case.facts
    ]
    said += [close_phrases.ruled(one) for one in case.rulings]
    said += [f"defined anew: {close_phrases.changed(one)}" for one in case.definitions]
    said += [f"{system} was silent, and has been heard of" for system in case.heard_since]
    return said or ["nothing told since concerns it"]


def _table(*heads: str) -> Table:
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="dim")
    for head in heads:
        table.add_column(head, overflow="fold")
    return table
