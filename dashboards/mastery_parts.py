"""The attributes of a contract that have a master, and the copies that differ, as HTML."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from dashboards import links
from dashboards.markup import Markup, chip, link, table, tag
from threadline.wire import Holder, MasteredAttribute, Mismatch, Said, Thread, phrases

TONES = {"open": "bad", "within": "warning", "closed": "good", "unknown": "quiet"}


def mismatches(found: Sequence[Mismatch], now: datetime, *, contracts: bool = False) -> Markup:
    """Every copy that differs or did, one sentence each; with `contracts`, of which contract."""
    heads = ["State", "What differs", "For how long", "Difference"]
    rows: list[list[str]] = [
        [
            chip(phrases.MISMATCH[one.state], TONES[one.state]),
            tag("div", _name(one), _said_by(one)),
            phrases.lasted(one, now),
            phrases.amount(one.difference),
        ]
        for one in found
    ]
    if contracts:
        heads.insert(0, "Contract")
        for row, one in zip(rows, found, strict=True):
            row.insert(0, link(links.contract(one.contract), one.number))
    return table(heads, rows, numeric=[len(heads) - 1])


def _said_by(one: Mismatch) -> Markup:
    facts = f"facts {one.copied.fact_id}, {one.mastered.fact_id}"
    return tag("div", phrases.mismatch(one), class_="tl-quiet-text", title=facts)


def values(thread: Thread) -> Markup:
    """Per attribute what the master and each copy say now, since when, and said before."""
    compared = [one for one in thread.mastered if one.compared]
    rows = [_row(one, holder) for one in compared for holder in one.holders]
    heads = ["Attribute", "System", "Says", "Since (UTC)", "Said before"]
    alone = phrases.told_by_one(thread.mastered)
    return tag("div", table(heads, rows), tag("p", alone, class_="tl-quiet-text") if alone else "")


def _row(one: MasteredAttribute, holder: Holder) -> list[str]:
    role = "the master" if holder.mastered else "a copy"
    return [
        tag("strong" if holder.mastered else "span", _name(one)),
        tag("span", holder.system, " ", tag("span", role, class_="tl-quiet-text")),
        _value(holder.now),
        tag("span", phrases.moment(holder.now.at), class_="tl-nowrap") if holder.now else "",
        tag("div", *(_before(said) for said in holder.before)) if holder.before else "",
    ]


def _name(one: MasteredAttribute | Mismatch) -> str:
    return phrases.sentence(phrases.attribute(one.attribute, one.object_id))


def _value(said: Said | None) -> Markup:
    if said is None:
        return tag("span", "never told one: unknown", class_="tl-quiet-text")
    return tag("span", phrases.said(said), title=f"fact {said.fact_id}")


def _before(said: Said) -> Markup:
    words = f"{phrases.said(said)} since {phrases.moment(said.at)[:16]}"
    return tag("div", words, class_="tl-quiet-text", title=f"fact {said.fact_id}")
