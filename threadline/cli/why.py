"""The evidence for identifiers, for people at a terminal; readable in 80 columns."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.text import Text

from threadline.wire import Assertion, IdentifierEvidence, Ruling, Tenure, Tie, phrases

SHOWN = 5  # assertions per tie; the rest is counted
TONES = {"held": "green", "conflict": "red", "retracted": "yellow"}


def evidence_in_words(found: Sequence[IdentifierEvidence]) -> RenderableType:
    """Each identifier, what it resolves to, and its ties with who says so; rivals come last."""
    return Group(*(_one(identifier) for identifier in found))


def _one(found: IdentifierEvidence) -> RenderableType:
    head = Text(found.identifier, "bold")
    if found.object_id != found.identifier:
        head.append(f"  is {found.object_id}", "dim")
    if not found.root_id:
        head.append("  an orphan: nothing ties it to a contract yet", "yellow")
    elif found.root_id != found.object_id:
        head.append(f"  of {found.root_id}", "dim")
    parts: list[RenderableType] = [head]
    parts += [Padding(_tenure(one), (0, 0, 0, 2)) for one in found.tenures]
    parts += [Padding(_tie(tie, found.identifier), (0, 0, 0, 2)) for tie in found.ties]
    if not found.ties:
        parts.append(Padding(Text("No fact ties it to anything.", "dim"), (0, 0, 0, 2)))
    return Group(*parts)


def _tenure(one: Tenure) -> Text:
    line = Text(phrases.validity(one.valid_from, one.valid_to), "bold")
    line.append(f" of {one.root_id}" if one.root_id else " of nobody", "dim")
    return line.append(f" as {one.object_id}", "dim")


def _tie(tie: Tie, identifier: str) -> RenderableType:
    kind = tie.kind.replace("_", " ")
    told = f"{kind} {tie.parent}" if tie.child == identifier else f"{tie.child} {kind} it"
    line = Text(told)
    line.append(f"  {tie.state}", TONES.get(tie.state, "dim"))
    if stretch := phrases.validity(tie.valid_from, tie.valid_to):
        line.append(f" {stretch}", "bold")
    if tie.since:
        line.append(f" {'said' if stretch else 'since'} {phrases.moment(tie.since)}", "dim")
    lines = [line]
    if tie.reason:
        lines.append(Text(f"  because {tie.reason}", "red"))
    lines += [_assertion(one) for one in tie.assertions[:SHOWN]]
    if len(tie.assertions) > SHOWN:
        lines.append(Text(f"  and {len(tie.assertions) - SHOWN} facts more", "dim"))
    lines += [_assertion(one).append(" withdraws it", "yellow") for one in tie.retractions[:SHOWN]]
    lines += _rulings(tie.rulings)
    return Group(*lines)


def _assertion(one: Assertion) -> Text:
    by = f"{one.system}, the system of record" if one.mastered else one.system
    said = f"  {phrases.moment(one.at)} {by}: {one.name}"
    return Text(said).append(f" fact {one.fact_id[:12]}", "dim")


def _rulings(made: Iterable[Ruling]) -> list[Text]:
    return [
        Text(f"  {phrases.moment(one.at)} {one.who} ruled: {one.act}, {one.why}", "yellow")
        for one in made
    ]
