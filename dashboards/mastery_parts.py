"""The attributes of a contract that have a master, and the copies that differ, as HTML."""

from __future__ import annotations

from dashboards.markup import Markup, chip, join, table, tag
from threadline.wire import Holder, MasteredAttribute, Mismatch, Said, Thread, phrases

TONES = {"open": "bad", "within": "warning", "closed": "good", "unknown": "quiet"}


def mismatches(thread: Thread) -> Markup:
    """Every copy that differs or did, one sentence each; those that last first."""
    rows = [
        [
            chip(phrases.MISMATCH[one.state], TONES[one.state]),
            tag("div", phrases.attribute(one.attribute, one.object_id), _said_by(one)),
            tag("span", phrases.amount(one.difference), class_="tl-nowrap"),
            phrases.lasted(one, thread.as_of),
        ]
        for one in thread.mismatches
    ]
    return table(["State", "What differs", "Difference", "For how long"], rows, numeric=[2])


def _said_by(one: Mismatch) -> Markup:
    facts = f"facts {one.copied.fact_id}, {one.mastered.fact_id}"
    return tag("div", phrases.mismatch(one), class_="tl-quiet-text", title=facts)


def values(thread: Thread) -> Markup:
    """Per attribute what the master and each copy say now, since when, and said before."""
    rows = [_row(one, holder) for one in thread.mastered for holder in one.holders]
    heads = ["Attribute", "System", "Says", "Since (UTC)", "Said before"]
    return table(heads, rows)


def _row(one: MasteredAttribute, holder: Holder) -> list[str]:
    role = "the master" if holder.mastered else "a copy"
    return [
        tag("strong", phrases.attribute(one.attribute, one.object_id)) if holder.mastered else "",
        join([holder.system, " ", tag("span", role, class_="tl-quiet-text")]),
        _value(holder.now),
        tag("span", phrases.moment(holder.now.at), class_="tl-nowrap") if holder.now else "",
        join([_before(said) for said in holder.before]),
    ]


def _value(said: Said | None) -> Markup:
    if said is None:
        return tag("span", "never told one: unknown", class_="tl-quiet-text")
    return tag("span", phrases.said(said), title=f"fact {said.fact_id}")


def _before(said: Said) -> Markup:
    words = f"{phrases.said(said)} since {phrases.moment(said.at)[:16]}"
    return tag("div", words, class_="tl-quiet-text", title=f"fact {said.fact_id}")
