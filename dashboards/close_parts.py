"""Closes and restatements as HTML."""

from __future__ import annotations

from collections.abc import Sequence

from dashboards import links
from dashboards.markup import Markup, chip, join, link, table, tag
from threadline.wire import (
    Close,
    CountedEntry,
    FactDetail,
    Kpi,
    RestatedCase,
    RestatedKpi,
    Restatement,
    ThreadFact,
    close_phrases,
    phrases,
)


def listed(closes: Sequence[Close]) -> Markup:
    """Every close, the last taken first; each opens."""
    rows = [
        [
            link(_address(one), one.period),
            str(one.revision),
            phrases.instant(one.at),
            phrases.instant(one.taken_at),
            one.who,
            one.note,
        ]
        for one in closes
    ]
    heads = ["Month", "Revision", "From what was known on", "Taken on", "By", "Note"]
    return table(heads, rows)


def back(close: Close) -> Markup:
    """To all figures of the close."""
    return tag("p", link(_address(close), f"All figures of {close.period}"))


def figures(found: Restatement) -> Markup:
    """Each figure as published and as it is known now; what differs opens to its cases."""
    rows = [_figure(found.close, item) for item in found.items]
    heads = ["KPI", "Published", "As known now", "Difference", "What it rests on"]
    return table(heads, rows)


def since(found: Restatement) -> list[str]:
    """What was defined, and who was heard of, since."""
    said = [f"Defined anew: {close_phrases.changed(one)}." for one in found.definitions]
    if found.heard_since:
        said.append(f"Silent at the close, and heard of since: {', '.join(found.heard_since)}.")
    if found.close.silent:
        said.append(f"Silent at the close: {', '.join(found.close.silent)}.")
    return said


def case(found: RestatedCase, close: Close, kpi: str) -> Markup:
    """What counts otherwise in the KPI: from what to what, and all that made it so."""
    entry = found.after or found.before
    name = close_phrases.name(found)
    contract = entry.contract if entry else ""
    head = tag("h3", link(links.contract(contract), name) if contract else name)
    sides = [_side(one) for one in (found.before, found.after)]
    moved = tag("div", f"{close_phrases.HOW[found.how]}: ", sides[0], " → ", sides[1])
    because = [_facts(found.facts, _address(close, kpi=kpi))] if found.facts else []
    because += [tag("p", close_phrases.ruled(one)) for one in found.rulings]
    because += [tag("p", f"Defined anew: {close_phrases.changed(d)}") for d in found.definitions]
    because += [tag("p", f"{one} was silent, and has been heard of") for one in found.heard_since]
    if close_phrases.unexplained(found):
        because = [tag("p", "Nothing told since concerns it.", class_="tl-quiet-text")]
    return tag("div", head, moved, *because, class_="tl-box tl-quiet")


def fact(found: FactDetail) -> Markup:
    """What a fact says, and which input it came in."""
    one = found.fact
    told = {
        "fact": one.fact_id,
        "it tells": f"{one.name} of {phrases.instant(one.at)}",
        "system": one.system,
        "received": phrases.moment(one.received_at),
        "it names": ", ".join(found.identifiers),
        "input": found.raw.position if found.raw else "",
    }
    told |= {key: str(value) for key, value in found.attributes.items()}
    pairs = [(tag("dt", key), tag("dd", value)) for key, value in told.items() if value]
    return tag("dl", *(part for pair in pairs for part in pair), class_="tl-facts")


def _figure(close: Close, item: RestatedKpi) -> list[str]:
    opens = item.entered is not None and any((item.entered, item.left, item.changed))
    title = f"{item.title} ({item.unit})" if _money(item) else item.title
    return [
        link(_address(close, kpi=item.kpi), title) if opens else title,
        _value(item.published),
        _value(item.restated) if item.restated else close_phrases.restated(item),
        chip(close_phrases.difference(item), "warning" if item.differs else "quiet"),
        close_phrases.moved(item),
    ]


def _value(kpi: Kpi | None) -> Markup | str:
    if kpi is None:
        return phrases.NOTHING
    state = chip(phrases.KPI[kpi.state], kpi.state)
    said = tag("div", tag("strong", phrases.kpi_value(kpi)), " ", state, class_="tl-nowrap")
    return tag("div", said, tag("div", f"n {kpi.n:,}", class_="tl-quiet-text"))


def _money(item: RestatedKpi) -> bool:
    return item.unit not in ("seconds", "ratio", "cases", "currency")


def _side(entry: CountedEntry | None) -> Markup:
    return tag("strong", close_phrases.standing(entry))


def _facts(facts: Sequence[ThreadFact], here: str) -> Markup:
    rows = [
        [
            phrases.moment(one.received_at),
            one.system,
            tag("div", one.name or one.kind, _message(one)),
            phrases.moment(one.at),
            tag("span", join([link(links.identity(name), name) for name in one.objects], ", ")),
            link(f"{here}&fact={one.fact_id}", one.fact_id[:12]),
        ]
        for one in facts
    ]
    heads = ["Received (UTC)", "System", "It tells", "Happened (UTC)", "It names", "Fact"]
    return table(heads, rows)


def _message(one: ThreadFact) -> Markup:
    return tag("div", one.message, class_="tl-quiet-text") if one.message else Markup("")


def _address(close: Close, **more: str) -> str:
    return links.closes(close.period, revision=str(close.revision), **more)
