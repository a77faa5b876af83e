"""The pages of Threadline's dashboards; `served` is their server."""

from __future__ import annotations

from pathlib import Path

import streamlit as st

from dashboards import (
    closes,
    comparison,
    contract,
    executive,
    identity,
    journeys,
    kpi,
    mastery,
    on_call,
    sign_in,
)
from dashboards.frame import style, who

ICON = str(Path(__file__).with_name("icon.svg"))

st.set_page_config(page_title="Threadline", page_icon=ICON, layout="wide")
st.logo(ICON)
style()
shown = st.navigation(
    [
        st.Page(executive.page, title="Executive", icon=":material/monitoring:", default=True),
        st.Page(contract.page, title="Contract", icon=":material/search:", url_path="contract"),
        st.Page(on_call.page, title="On-call", icon=":material/notifications:", url_path="on-call"),
        st.Page(journeys.page, title="Journeys", icon=":material/route:", url_path="journeys"),
        st.Page(identity.page, title="Identity", icon=":material/hub:", url_path="identity"),
        st.Page(mastery.page, title="Mastery", icon=":material/difference:", url_path="mismatches"),
        st.Page(
            comparison.page,
            title="Did my fix work?",
            icon=":material/compare_arrows:",
            url_path="comparison",
        ),
        st.Page(closes.page, title="Closes", icon=":material/event_available:", url_path="closes"),
        st.Page(kpi.page, title="Behind a number", url_path="kpi", visibility="hidden"),
    ],
    position="hidden" if sign_in.needed() else "top",
)
me = None if sign_in.needed() else who()
if me and not me.anonymous and sign_in.configured():
    sign_in.corner(me)
if sign_in.needed():
    sign_in.page()
elif me and not me.roles:
    sign_in.no_role(me)
else:
    shown.run()
