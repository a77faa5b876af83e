"""Mastery: every copy that differs from its master, what it is worth, and since when."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from dashboards import links, mastery_parts
from dashboards.client import api
from dashboards.frame import freshness, guarded, show
from dashboards.markup import Markup, chip, link, table
from threadline.wire import MismatchCount, phrases

SHOWN = 50
LASTING = "open,within,unknown"  # what is looked at unless somebody asks for more
STATES = {LASTING: "that differ now", "open": "too long", "closed": "that agree again", "": "all"}


@guarded
def page() -> None:
    """How many there are of each kind, and the list, filtered by the address."""
    health = freshness()
    st.title("Masters and copies")
    counts = api().mismatch_counts()
    if not counts:
        st.success("No copy differs from its master.", icon=":material/check_circle:")
        return
    show(_table(counts))
    _filters(counts)
    asked = {name: st.query_params.get(name, "") for name in ("attribute", "system", "cursor")}
    states = st.query_params.get("state", LASTING) or ",".join(phrases.MISMATCH)
    answer = api().mismatches({**asked, "state": states, "limit": SHOWN})
    st.subheader("Copies that differ")
    if not answer.items:
        st.caption("None of this kind.")
        return
    show(mastery_parts.mismatches(answer.items, health.as_of, contracts=True))
    if answer.next and st.button(f"Next {SHOWN}"):
        st.query_params["cursor"] = answer.next
        st.rerun()


def _table(counts: Sequence[MismatchCount]) -> Markup:
    rows = [
        [
            link(
                links.mismatches(attribute=one.attribute), phrases.sentence(_words(one.attribute))
            ),
            link(links.mismatches(attribute=one.attribute, system=one.system), one.system),
            chip(phrases.MISMATCH[one.state], mastery_parts.TONES[one.state]),
            f"{one.count:,}",
            ", ".join(phrases.amount(money) for money in one.worth) or phrases.NOTHING,
        ]
        for one in sorted(counts, key=lambda one: (one.state == "closed", -one.count))
    ]
    return table(
        ["Attribute", "Copy in", "State", "Copies", "They differ by"], rows, numeric=[3, 4]
    )


def _filters(counts: Sequence[MismatchCount]) -> None:
    with st.container(horizontal=True, vertical_alignment="bottom"):
        for name in ("attribute", "system"):
            known = sorted({getattr(one, name) for one in counts})
            _choice(name, {"": f"Every {name}"} | {one: _words(one) for one in known}, "")
        _choice("state", STATES, LASTING)


def _choice(name: str, words: dict[str, str], usual: str) -> None:
    now = st.query_params.get(name, usual)
    st.selectbox(
        phrases.sentence(name),
        list(words),
        index=list(words).index(now) if now in words else 0,
        format_func=lambda one: words[one],
        key=f"{name}_chosen",
        on_change=_keep,
        args=(name,),
        width=220,
    )


def _keep(name: str) -> None:
    st.query_params[name] = st.session_state[f"{name}_chosen"]
    st.query_params.pop("cursor", None)


def _words(name: str) -> str:
    return name.replace("_", " ")
