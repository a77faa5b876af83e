"""Contract: one search by any id; where it is stuck, since when, why, who owns it, what is next."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from dashboards import links, mastery_parts, thread_parts
from dashboards.client import Refused, api
from dashboards.frame import guarded, looked_from, show
from dashboards.lanes import placed
from dashboards.markup import chip, link, plain, table, tag
from dashboards.timeline import timeline
from dashboards.welcome import welcome
from threadline.wire import ContractHit, Thread, phrases

NOT_FOUND, AMBIGUOUS = 404, 300


@guarded
def page() -> None:
    """The contract named in the address, or the search."""
    looked_from()
    with (
        st.form("search", border=False),
        st.container(horizontal=True, vertical_alignment="bottom"),
    ):
        asked = st.text_input(
            "Find a contract by any id",
            value=st.query_params.get("id", ""),
            placeholder="contract, project, invoice or PO number, customer, trace id…",
        )
        sought = st.form_submit_button("Find", type="primary", icon=":material/search:")
    if sought and asked.strip() != st.query_params.get("id", ""):
        st.query_params["id"] = asked.strip()
    identifier = st.query_params.get("id", "")
    if identifier:
        _find(identifier)
    elif not api().sources():
        welcome()
    else:
        st.caption("Capital letters do not matter, and a part of an id is enough.")


def _find(identifier: str) -> None:
    try:
        thread = api().thread(identifier)
    except Refused as error:
        if error.problem.status == AMBIGUOUS:
            st.info(f"{plain(identifier)} means more than one contract. Which one?")
            _hits(error.problem.candidates)
        elif error.problem.status == NOT_FOUND:
            _similar(identifier, error.problem.detail)
        else:
            raise
        return
    _thread(thread)


def _similar(identifier: str, detail: str) -> None:
    hits = api().search(identifier)
    if hits:
        st.info(f"Nothing is called exactly {plain(identifier)}. These contain it:")
        _hits(hits)
    else:
        st.warning(plain(detail), icon=":material/search_off:")


def _hits(hits: Sequence[ContractHit]) -> None:
    rows = [
        [
            link(links.contract(hit.identifier), hit.number),
            hit.matched,
            chip(phrases.SLA[hit.sla], hit.sla) if hit.sla else phrases.NOTHING,
            hit.current_step or hit.state or "",
            phrases.amount(hit.value),
        ]
        for hit in hits
    ]
    show(table(["Contract", "Found by", "State", "Where", "Value"], rows, numeric=[4]))


def _thread(thread: Thread) -> None:
    st.title(f"Contract {plain(thread.number)}")
    chips = [
        chip(f"{case.title}: {phrases.SLA[case.case.sla]}", case.case.sla) for case in thread.cases
    ]
    value = [tag("strong", phrases.amount(thread.value))] if thread.value else []
    show(tag("div", *value, *chips, class_="tl-chips"))
    said = [f"{name.replace('_', ' ')}: {value}" for name, value in thread.attributes.items()]
    if said:
        show(tag("p", " · ".join(said), class_="tl-quiet-text"))
    show(thread_parts.verdict(thread))
    _picture(thread)
    for case in thread.cases:
        st.subheader(case.title)
        show(thread_parts.steps(case, thread))
        if case.exceptions:
            show(tag("h4", "Exceptions"))
            show(thread_parts.exceptions(case))
    _mastery(thread)
    _evidence(thread)


def _mastery(thread: Thread) -> None:
    if not thread.mastered:
        return
    st.subheader("Attributes: the master and its copies")
    if thread.mismatches:
        show(mastery_parts.mismatches(thread.mismatches, thread.as_of))
    else:
        compared = any(one.compared for one in thread.mastered)
        st.caption(
            "Every copy that was told agrees with its master."
            if compared
            else "No copy was told of yet, so nothing can be compared."
        )
    lasting = any(one.state != "closed" for one in thread.mismatches)
    with st.expander("What each system says, and said before", expanded=lasting):
        show(mastery_parts.values(thread))


def _picture(thread: Thread) -> None:
    placement = placed(thread)
    if placement is None:
        return
    st.subheader("Across the systems")
    picture = timeline(thread, placement)
    st.altair_chart(picture, width="stretch", alt=thread_parts.in_words(thread))
    said = [
        "Green with a number: a step is done. Red with a cross: a failure. Grey: other facts, paler"
        " when shared with other contracts. The shaded stretch is where it waits. Times are UTC."
    ]
    if placement.left_out:
        said.append(f"Left out here, because their times make no sense: {placement.left_out}.")
    st.caption(" ".join(said))


def _evidence(thread: Thread) -> None:
    if thread.incidents:
        st.subheader("Incidents")
        show(thread_parts.incidents(thread))
    st.subheader("Identifiers, and the evidence that ties them")
    show(thread_parts.identifiers(thread))
    if thread.conflicts:
        st.subheader("Contradictions")
        show(thread_parts.conflicts(thread))
    st.subheader(f"Facts ({thread.facts_total:,})")
    if thread.facts_total > len(thread.facts):
        st.caption(f"The first {len(thread.facts):,} are shown.")
    with st.expander("All facts in time order", expanded=len(thread.facts) <= 40):
        show(thread_parts.facts(thread))
