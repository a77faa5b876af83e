"""The parts of a contract's page as HTML."""

from __future__ import annotations

from dashboards import links
from dashboards.lanes import numbered
from dashboards.markup import Markup, chip, join, link, table, tag
from threadline.wire import Evidence, Step, Stuck, Thread, ThreadCase, case_phrases, phrases

HOW = {
    "own": "names it",
    "ancestor": "a span above names it",
    "trace": "its trace names it",
    "link": "linked to it",
    "shared": "shared with other contracts",
}


def verdict(thread: Thread) -> Markup:
    """Where it is stuck and what to do, or that it is not."""
    if thread.stuck:
        return _stuck(thread.stuck, thread)
    ended = [case.case.completed_at for case in thread.cases if case.case.completed_at]
    if not thread.cases:
        words = "No journey has begun for this contract yet."
    elif len(ended) == len(thread.cases):
        words = f"All done: completed {phrases.instant(max(ended))}."
    elif all(case.case.state in ("completed", "cancelled") for case in thread.cases):
        words = "Nothing is open: it was cancelled."
    else:
        words = "Nothing is stuck: every open step is within its time."
    tone = "good" if thread.cases else "quiet"
    return tag("div", tag("h3", words), class_=f"tl-box tl-{tone}")


def _stuck(stuck: Stuck, thread: Thread) -> Markup:
    headline = "Stuck at" if stuck.late or stuck.reason == "failed" else "Waits at"
    pairs = [
        ("Where", f"{stuck.title}{f', in {stuck.system}' if stuck.system else ''}"),
        ("Since", f"{phrases.instant(stuck.since)} ({phrases.since(stuck.since, thread.as_of)})"),
        ("Deadline", phrases.deadline(stuck.due_at, thread.as_of)),
        ("Why", stuck.why),
        ("Owner", stuck.owner),
        ("Next", stuck.runbook.next),
        ("Replay", stuck.runbook.replay),
        ("Undo first", stuck.runbook.compensate),
        ("Runbook", runbook(stuck.runbook.url)),
    ]
    cells = [cell for name, words in pairs if words for cell in (tag("dt", name), tag("dd", words))]
    tone = "bad" if stuck.late or stuck.reason == "failed" else "warning"
    title = tag("h3", f"{headline} “{stuck.title}”")
    return tag("div", title, tag("dl", *cells, class_="tl-facts"), class_=f"tl-box tl-{tone}")


def runbook(url: str) -> str:
    """A link when it is one."""
    return link(url, url) if url.startswith(("https://", "http://")) else url


def steps(case: ThreadCase, thread: Thread) -> Markup:
    """All steps of a case, numbered as in the picture."""
    numbers = numbered(thread)
    rows = []
    for step in case.steps:
        closed = phrases.moment(step.closed_at)
        open_since = f"open for {phrases.since(step.since, thread.as_of)}" if step.since else ""
        failures = f"{step.failures} failed: {step.message}" if step.failures else ""
        again = case_phrases.again(step)
        rows.append(
            [
                str(numbers[case.case.journey, step.step]),
                join([step.title, " ", tag("span", "optional", class_="tl-quiet-text")])
                if not step.required
                else step.title,
                phrases.performed_in(step),
                _state(step),
                _at(closed if step.closed_at else open_since),
                _at(phrases.moment(step.due_at) if step.due_at else ""),
                "; ".join(part for part in (failures, again, *case_phrases.attempts(step)) if part),
                step.owner,
            ]
        )
    heads = ["#", "Step", "System", "State", "Done", "Deadline", "What went wrong", "Owner"]
    notes = [case_phrases.reopened(case.case), phrases.doubts(case.case)]
    told = [tag("p", note, class_="tl-quiet-text") for note in notes if note]
    return join([table(heads, rows), *told])


def _state(step: Step) -> Markup:
    state = chip(phrases.STEP[step.state], step.state)
    done = case_phrases.progress(step)
    return join([state, tag("div", done, class_="tl-quiet-text")]) if done else state


def exceptions(case: ThreadCase) -> Markup:
    """Business failures of a case."""
    rows = [
        [phrases.moment(fault.at), fault.kind, fault.system, fault.step, fault.message]
        for fault in case.exceptions
    ]
    return table(["At (UTC)", "Kind", "System", "Step", "Message"], rows)


def identifiers(thread: Thread) -> Markup:
    """Every name, and the fact that ties it to another."""
    rows = []
    for known in thread.identifiers:
        evidence = join([_evidence(one) for one in known.evidence]) or "the contract itself"
        name = link(links.identity(known.identifier), known.value)
        if stretch := phrases.validity(known.valid_from, known.valid_to):
            name = join([name, tag("span", f" {stretch}", class_="tl-quiet-text")])
        rows.append([known.object_type.replace("_", " "), name, known.namespace, evidence])
    return table(["Object", "Identifier", "In", "Tied by"], rows)


def _evidence(evidence: Evidence) -> Markup:
    words = f"{evidence.kind.replace('_', ' ')} {evidence.to}"
    if stretch := phrases.validity(evidence.valid_from, evidence.valid_to):
        words += f" {stretch}"
    by = f", said by {evidence.system} {phrases.moment(evidence.at)}"
    state = "" if evidence.state == "held" else f" ({evidence.state}: {evidence.reason})"
    fact = tag(
        "span", f" fact {evidence.fact_id[:8]}", class_="tl-quiet-text", title=evidence.fact_id
    )
    return tag("div", words, by, state, fact)


def conflicts(thread: Thread) -> Markup:
    """Evidence that did not win."""
    rows = [
        [f"{one.child} {one.kind} {one.parent}", one.system, phrases.moment(one.at), one.reason]
        for one in thread.conflicts
    ]
    return table(["Said", "By", "At (UTC)", "Why it does not hold"], rows)


def facts(thread: Thread) -> Markup:
    """All facts in time order."""
    rows = []
    for fact in thread.facts:
        failed = fact.outcome == "error"
        outcome = tag("span", f"✗ {fact.message or 'failed'}", class_="tl-error") if failed else "✓"
        odd = ", ".join(fact.annotations)
        rows.append(
            [
                _at(phrases.moment(fact.at)),
                fact.system or fact.source,
                join([fact.name or fact.kind, " ", tag("span", odd, class_="tl-quiet-text")]),
                outcome,
                HOW[fact.how],
                tag("span", fact.trace_id[:8], title=fact.trace_id) if fact.trace_id else "",
            ]
        )
    return table(["At (UTC)", "System", "Fact", "Outcome", "How it belongs", "Trace"], rows)


def incidents(thread: Thread) -> Markup:
    """What alert rules have opened about this contract."""
    rows = [
        [
            _at(phrases.moment(incident.opened_at)),
            incident.title,
            incident.state,
            incident.acknowledged_by or incident.assignee or "nobody yet",
        ]
        for incident in thread.incidents
    ]
    return table(["Opened (UTC)", "Incident", "State", "Looked after by"], rows)


def _at(words: str) -> str:
    return tag("span", words, class_="tl-nowrap") if words else ""


def in_words(thread: Thread) -> str:
    """The picture for those who cannot see it."""
    lanes = dict.fromkeys(fact.system or fact.source for fact in thread.facts)
    stuck = f" {phrases.where(thread.stuck, thread.as_of)}." if thread.stuck else ""
    return f"{len(thread.facts)} facts of {thread.number} across {', '.join(lanes)}.{stuck}"
