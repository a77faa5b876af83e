"""A contract's thread and the KPIs for people at a terminal; readable in 80 columns."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from threadline.wire import (
    Evidence,
    Kpi,
    Mismatch,
    Problem,
    Step,
    Stuck,
    Thread,
    ThreadCase,
    ThreadFact,
    case_phrases,
    phrases,
)

TONES = {
    "ok": "green",
    "done": "green",
    "met": "green",
    "on_track": "green",
    "warning": "yellow",
    "at_risk": "yellow",
    "late": "red",
    "failed": "red",
    "breached": "red",
    "missed": "red",
}
MARKS = {"done": "✓", "failed": "✗", "late": "✗", "open": "…", "waiting": "·", "skipped": "-"}
HOW = {"ancestor": "by parent", "trace": "by trace", "link": "by link", "shared": "shared"}


def thread(found: Thread) -> RenderableType:
    """Headline, where it is stuck, steps, facts by time, identifiers with their evidence."""
    parts: list[RenderableType] = [_headline(found)]
    if found.stuck:
        parts.append(_stuck(found.stuck, found.as_of))
    for case in found.cases:
        parts += [_title(case.title), _steps(case, found.as_of)]
    if found.mastered:
        parts += [_title("Attributes: the master and its copies"), _mastered(found)]
    parts += [_title(f"Facts ({found.facts_total})"), _facts(found.facts)]
    parts += [_title("Identifiers and the evidence that ties them"), _identifiers(found)]
    if found.conflicts:
        parts += [_title("Contradictions"), _conflicts(found)]
    return Group(*parts)


def kpis(items: Sequence[Kpi]) -> RenderableType:
    """One line per KPI: value, target, state, sample; and why there is no value."""
    table = _table("KPI", "Value", "Target", "State", "n", right=(4,))
    for kpi in items:
        state = Text(phrases.KPI[kpi.state], TONES.get(kpi.state, "dim"))
        name = Text(kpi.title)
        for words in filter(None, (phrases.stated(kpi), kpi.why)):
            name.append(f"\n{words}", "dim")
        target = phrases.target(kpi) if kpi.target is not None else phrases.NOTHING
        table.add_row(name, Text(phrases.kpi_value(kpi), "bold"), target, state, f"{kpi.n:,}")
    return table


def mismatches(found: Sequence[Mismatch], now: datetime) -> RenderableType:
    """Copies that differ from their master, with the contract and the difference in money."""
    lines = [Text(f"{one.number}  ", "bold").append_text(_mismatch(one, now)) for one in found]
    return Group(*lines) if lines else Text("No copy of this kind differs from its master.", "dim")


def problem(found: Problem) -> RenderableType:
    """What went wrong; with candidates, the contracts that may be meant."""
    words = Text(found.detail or found.title)
    if not found.candidates:
        return words
    table = _table("Contract", "Found by", "State", "Where")
    for hit in found.candidates:
        state = phrases.SLA[hit.sla] if hit.sla else phrases.NOTHING
        table.add_row(Text(hit.number, no_wrap=True), hit.matched, state, hit.current_step)
    return Group(words, table)


def _headline(found: Thread) -> RenderableType:
    line = Text(f"Contract {found.number}", "bold")
    if found.value:
        line.append(f"  {phrases.amount(found.value)}")
    for case in found.cases:
        line.append(f"  {case.title}: ")
        line.append(phrases.SLA[case.case.sla], TONES.get(case.case.sla, "dim"))
    said = [f"{name.replace('_', ' ')} {value}" for name, value in found.attributes.items()]
    return Group(line, Text(" · ".join(said), "dim")) if said else line


def _stuck(stuck: Stuck, now: datetime) -> RenderableType:
    late = stuck.late or bool(stuck.reason)
    table = Table.grid(padding=(0, 2))
    table.add_column(style="dim", no_wrap=True)
    table.add_column(overflow="fold")
    waited = f"{phrases.instant(stuck.since)} ({phrases.since(stuck.since, now)})"
    for name, words in (
        ("since", waited if stuck.since else ""),
        ("deadline", phrases.deadline(stuck.due_at, now)),
        ("why", stuck.why),
        ("owner", stuck.owner),
        ("next", stuck.runbook.next),
        ("replay", stuck.runbook.replay),
        ("undo first", stuck.runbook.compensate),
        ("runbook", stuck.runbook.url),
    ):
        if words:
            table.add_row(name, Text(words))
    title = f"{'stuck' if late else 'waits'} at: {stuck.title}"
    if stuck.system:
        title += f" ({stuck.system})"
    return Panel(
        table, title=Text(title), title_align="left", border_style="red" if late else "yellow"
    )


def _steps(case: ThreadCase, now: datetime) -> RenderableType:
    table = _table("", "Step", "System", "When", "")
    for step in case.steps:
        tone = TONES.get(step.state, "dim")
        name = Text(step.title, "" if step.state in ("done", "open") else tone)
        when = phrases.moment(step.closed_at)[:16] if step.closed_at else _open(step, now)
        table.add_row(
            Text(MARKS[step.state], tone), name, phrases.performed_in(step), when, _trouble(step)
        )
    notes = [case_phrases.reopened(case.case), phrases.doubts(case.case)]
    shown = Group(table, *(Text(note, "dim") for note in notes if note))
    return Padding(shown, (0, 0, 0, 1))


def _open(step: Step, now: datetime) -> str:
    if step.state in ("waiting", "skipped"):
        return phrases.STEP[step.state]
    words = f"open {phrases.since(step.since, now)}"
    return f"{done}, {words}" if (done := case_phrases.progress(step)) else words


def _trouble(step: Step) -> str:
    said = []
    if step.failures:
        said.append(f"failed {step.failures}×{f': {step.message}' if step.message else ''}")
    if again := case_phrases.again(step):
        said.append(again)
    said += case_phrases.attempts(step)
    if step.sampled:
        said.append("rests on sampled spans")
    return "; ".join(said)


def _facts(facts: Iterable[ThreadFact]) -> RenderableType:
    table = _table("Time (UTC)", "System", "", "Fact", "")
    for fact in facts:
        failed = fact.outcome == "error"
        mark = (
            Text("✗", "red") if failed else Text("★", "green") if fact.closes else Text("·", "dim")
        )
        name = Text(fact.name or fact.kind, "red" if failed else "")
        if failed and fact.message:
            name.append(f"\n{fact.message}", "red")
        how = [HOW[fact.how]] if fact.how in HOW else []
        odd = ", ".join([*how, *fact.annotations])
        table.add_row(phrases.moment(fact.at), fact.system, mark, name, Text(odd, "dim"))
    return Padding(table, (0, 0, 0, 1))


def _identifiers(found: Thread) -> RenderableType:
    table = _table("Identifier", "Tied by")
    for known in found.identifiers:
        evidence = Text("\n").join(_evidence(one) for one in known.evidence)
        name = Text(known.identifier)
        if stretch := phrases.validity(known.valid_from, known.valid_to):
            name.append(f"\n  {stretch}", "dim")
        table.add_row(name, evidence or Text("the contract itself", "dim"))
    return Padding(table, (0, 0, 0, 1))


def _evidence(evidence: Evidence) -> Text:
    line = Text(f"{evidence.kind.replace('_', ' ')} {evidence.to}")
    if stretch := phrases.validity(evidence.valid_from, evidence.valid_to):
        line.append(f" {stretch}", "bold")
    line.append(
        f"\n  {evidence.system} {phrases.moment(evidence.at)} fact {evidence.fact_id[:12]}", "dim"
    )
    if evidence.state != "held":
        line.append(f" {evidence.state}: {evidence.reason}", "red")
    return line


def _conflicts(found: Thread) -> RenderableType:
    table = _table("Said", "By", "Why it does not hold")
    for one in found.conflicts:
        table.add_row(f"{one.child} {one.kind} {one.parent}", one.system, one.reason)
    return Padding(table, (0, 0, 0, 1))


def _mastered(found: Thread) -> RenderableType:
    """Copies that differ, each with its sentence; then what each system says now."""
    table = _table("Attribute", "System", "Says", "Since (UTC)")
    for one in (each for each in found.mastered if each.compared):
        for holder in one.holders:
            name = phrases.attribute(one.attribute, one.object_id) if holder.mastered else ""
            value = phrases.said(holder.now) if holder.now else "unknown"
            since = phrases.moment(holder.now.at)[:16] if holder.now else ""
            system = f"{holder.system} (master)" if holder.mastered else holder.system
            table.add_row(name, system, Text(value, "" if holder.now else "dim"), since)
    told = [_mismatch(one, found.as_of) for one in found.mismatches]
    alone = Text(phrases.told_by_one(found.mastered), "dim")
    return Padding(Group(*told, table, *([alone] if alone else [])), (0, 0, 0, 1))


def _mismatch(one: Mismatch, now: datetime) -> Text:
    money = f" by {phrases.amount(one.difference)}" if one.difference else ""
    head = f"{phrases.attribute(one.attribute, one.object_id)} {phrases.MISMATCH[one.state]}{money}"
    line = Text(phrases.sentence(head), "red" if one.state == "open" else "")
    return line.append(f": {phrases.mismatch(one)} {phrases.lasted(one, now)}\n", "dim")


def _title(words: str) -> RenderableType:
    return Padding(Text(words, "bold"), (1, 0, 0, 0))


def _table(*heads: str, right: Sequence[int] = ()) -> Table:
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="dim")
    for place, head in enumerate(heads):
        table.add_column(head, overflow="fold", justify="right" if place in right else "left")
    return table
