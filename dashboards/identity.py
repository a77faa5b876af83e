"""Identity: what ties ids to contracts, what contradicts it, what is lost; people rule here."""

from __future__ import annotations

from collections.abc import Mapping

import streamlit as st

from dashboards import links
from dashboards.client import Refused, api
from dashboards.frame import freshness, guarded, show, who
from dashboards.markup import chip, join, link, plain, table, tag
from dashboards.orphan_table import REASONS, orphan_table
from threadline.wire import (
    ConflictRow,
    IdentifierEvidence,
    Ruling,
    Suspicion,
    Tie,
    phrases,
)

TONES = {"held": "good", "conflict": "bad", "retracted": "warning"}
SHOWN = 50
ASSERTIONS = 5
DAYS = 30
DONE = {"assert": "ruled that it holds", "retract": "ruled that it does not hold", "lift": "lifted"}

Rule = tuple[str, str, str, str]  # act, kind, child, parent


@guarded
def page() -> None:
    """The evidence for one identifier, or everything that wants a decision."""
    freshness()
    st.title("Identity")
    identifier = st.query_params.get("id", "")
    if identifier:
        _evidence(identifier)
        return
    _actor()
    titles = ["Contradictions", "Suspicions", "Orphans", "Rulings"]
    parts = (_conflicts, _suspicions, _orphans, _rulings)
    for tab, part in zip(st.tabs(titles), parts, strict=True):
        with tab:
            part()


def _actor() -> None:
    me = who()
    st.session_state["may_rule"] = me is None or "ruling" in me.permissions
    if not st.session_state["may_rule"]:
        return
    with st.container(horizontal=True):
        if me is None or me.anonymous:
            st.text_input("Your name", key="actor", placeholder="said with a ruling", width=300)
        st.text_input("Why", key="why", placeholder="the reason, kept for good", width=500)


def _evidence(identifier: str) -> None:
    try:
        found = api().evidence(identifier)
    except Refused as error:
        st.warning(plain(str(error)), icon=":material/search_off:")
        return
    _actor()
    for one in found:
        _identifier(one)


def _identifier(found: IdentifierEvidence) -> None:
    st.subheader(plain(found.identifier))
    said: list[str] = []
    if found.object_id != found.identifier:
        said.append(f"It is another name of {found.object_id}.")
    if found.root_id:
        contract = link(links.contract(found.root_id), found.root_id.split(":", 2)[2])
        show(tag("p", "It belongs to contract ", contract, ". ", " ".join(said)))
    else:
        show(tag("p", "It is an orphan: nothing ties it to a contract yet. ", *said))
    for one in found.tenures:
        stretch = phrases.validity(one.valid_from, one.valid_to)
        show(tag("p", f"{stretch}: {one.object_id} of {one.root_id or 'nobody'}"))
    for tie in found.ties:
        with st.container(border=True):
            _tie(tie)


def _tie(tie: Tie) -> None:
    words = f"{tie.child} {tie.kind.replace('_', ' ')} {tie.parent}"
    stretch = phrases.validity(tie.valid_from, tie.valid_to)
    said = f"{'said' if stretch else 'since'} {phrases.moment(tie.since)}" if tie.since else ""
    since = " ".join(part for part in (stretch, said) if part)
    head = tag(
        "div", chip(tie.state, TONES[tie.state]), tag("strong", words), since, class_="tl-chips"
    )
    why = tag("p", tie.reason, class_="tl-quiet-text") if tie.reason else ""
    show(join([head, why]))
    if tie.assertions:
        rows = [
            [
                phrases.moment(one.at),
                one.system + (" (system of record)" if one.mastered else ""),
                one.name,
                tag("span", one.fact_id[:12], title=one.fact_id),
            ]
            for one in tie.assertions[:ASSERTIONS]
        ]
        show(table(["At (UTC)", "Said by", "Fact", "Id"], rows))
    if len(tie.assertions) > ASSERTIONS:
        st.caption(f"and {len(tie.assertions) - ASSERTIONS:,} facts more")
    for one in tie.retractions[:ASSERTIONS]:
        words = f"{phrases.moment(one.at)} · {one.system} withdrew it: {one.name}, fact "
        show(tag("p", words, tag("span", one.fact_id[:12], title=one.fact_id)))
    for made in tie.rulings:
        show(tag("p", _ruled(made), class_="tl-quiet-text"))
    _buttons(tie.kind, tie.child, tie.parent, tie.state, ruled=bool(tie.rulings))


def _ruled(made: Ruling) -> str:
    return f"{phrases.moment(made.at)} · {made.who} {DONE[made.act]}: {made.why}"


def _buttons(kind: str, child: str, parent: str, state: str, *, ruled: bool) -> None:
    if not st.session_state["may_rule"]:
        return
    offered = {"Retract": "retract"} if state == "held" else {"It holds": "assert"}
    if ruled:
        offered["Lift the ruling"] = "lift"
    with st.container(horizontal=True):
        for words, act in offered.items():
            key = f"{act}-{kind}-{child}-{parent}"
            st.button(words, key=key, on_click=_rule, args=((act, kind, child, parent),))


def _rule(ruling: Rule) -> None:
    why = st.session_state.get("why", "").strip()
    if not why:
        st.toast("Say why first: a ruling is kept with its reason.", icon=":material/edit:")
        return
    act, kind, child, parent = ruling
    said = {"act": act, "kind": kind, "child": child, "parent": parent, "why": why}
    try:
        api().rule(said | {"actor": st.session_state.get("actor") or "dashboard"})
    except Refused as error:
        st.toast(f"Not ruled: {plain(str(error))}", icon=":material/error:")
    else:
        st.toast("Ruled; it takes effect within a second.", icon=":material/gavel:")


def _conflicts() -> None:
    counts = api().conflict_counts()
    if not counts:
        st.success("No evidence contradicts any other.", icon=":material/check_circle:")
        return
    rows = [[one.system or "nobody", one.kind, one.state, f"{one.count:,}"] for one in counts]
    show(table(["Told by", "Relation", "State", "How many"], rows, numeric=[3]))
    found = api().conflicts({"limit": SHOWN})
    for one in found.items:
        with st.container(border=True):
            _conflict(one)
    if found.next:
        st.caption(f"The first {SHOWN}; the API has them all.")


def _conflict(one: ConflictRow) -> None:
    words = f"{one.child} {one.kind.replace('_', ' ')} {one.parent}"
    contracts = join(
        [link(links.contract(root), root.split(":", 2)[2]) for root in one.contracts], ", "
    )
    pairs: Mapping[str, str] = {
        "Said by": f"{one.system or 'a ruling'}, {phrases.moment(one.at)}",
        "Why it does not hold": one.reason,
        "Contracts": contracts,
        "Cases": f"{len(one.cases)} touched",
        "Evidence": link(links.identity(one.child), "all that is said of it"),
    }
    cells = [cell for name, said in pairs.items() for cell in (tag("dt", name), tag("dd", said))]
    head = tag("div", chip(one.state, TONES[one.state]), tag("strong", words), class_="tl-chips")
    show(join([head, tag("dl", *cells, class_="tl-facts")]))
    _buttons(one.kind, one.child, one.parent, one.state, ruled=one.state == "retracted")


def _suspicions() -> None:
    found = api().suspicions({"days": DAYS, "cursor": st.query_params.get("suspicions", "")})
    st.caption("Never a tie by itself: what is likely here becomes one when you rule so.")
    if not found.items:
        st.success(
            "Nothing looked at here looks like anything known.", icon=":material/check_circle:"
        )
    for one in found.items:
        with st.container(border=True):
            _suspicion(one)
    st.caption(
        f"Looked at {found.looked_at:,} of the {found.orphans:,} names of the last {DAYS} days that"
        " lead to no contract, those named last first."
    )
    if found.next and st.button("Look at those named before"):
        st.query_params["suspicions"] = found.next
        st.rerun()


def _suspicion(one: Suspicion) -> None:
    words = f"{one.child} {one.kind.replace('_', ' ')} {one.parent}?"
    contract = link(links.contract(one.contract), one.contract.split(":", 2)[2])
    pairs: Mapping[str, str] = {
        "Likely": f"{one.score:.0%}",
        "Because": "; ".join(one.why),
        "Contract": contract,
    } | ({"Facts waiting": f"{one.facts:,}"} if one.facts else {})
    cells = [cell for name, said in pairs.items() for cell in (tag("dt", name), tag("dd", said))]
    show(join([tag("strong", words), tag("dl", *cells, class_="tl-facts")]))
    _button_pair(one)


def _button_pair(one: Suspicion) -> None:
    if not st.session_state["may_rule"]:
        return
    with st.container(horizontal=True):
        for words, act in (("It is so", "assert"), ("It is not", "retract")):
            key = f"suspicion-{act}-{one.child}-{one.parent}"
            ruling: Rule = (act, one.kind, one.child, one.parent)
            st.button(words, key=key, on_click=_rule, args=(ruling,))


def _orphans() -> None:
    counts = api().orphan_counts({"days": DAYS})
    if not counts:
        st.success(
            f"Every fact of the last {DAYS} days belongs to a contract.",
            icon=":material/check_circle:",
        )
        return
    rows = [
        [one.source, REASONS[one.reason], f"{one.count:,}", f"{one.count / one.facts:.1%}"]
        for one in counts
    ]
    show(table(["Source", "Why", "Facts", "Of its facts"], rows, numeric=[2, 3]))
    show(orphan_table(api().orphans({"days": DAYS, "limit": SHOWN}).items))


def _rulings() -> None:
    made = api().rulings({"limit": SHOWN})
    if not made:
        st.info("Nobody has ruled on anything yet.")
        return
    rows = [
        [
            phrases.moment(one.at),
            one.who,
            DONE[one.act],
            f"{one.child} {one.kind.replace('_', ' ')} {one.parent}",
            one.why,
        ]
        for one in made
    ]
    show(table(["At (UTC)", "Who", "What", "Tie", "Why"], rows))
