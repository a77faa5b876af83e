"""What every page has around it: the style, how current it is, and a word when it is down."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from pathlib import Path

import streamlit as st

from dashboards import past, sign_in
from dashboards.client import Refused, Unreachable, api
from dashboards.markup import Markup, plain
from threadline.wire import Health, Me, phrases

NOT_SIGNED_IN, NOT_ALLOWED, NOT_YET = 401, 403, 503
BEHIND_SECONDS = 60.0  # an answer older than this is said to be


def style() -> None:
    """Load the style sheet that lies beside this file."""
    st.html(Path(__file__).with_name("style.css"))


def show(markup: Markup) -> None:
    """Put HTML on the page."""
    st.html(markup)


def guarded(page: Callable[[], None]) -> Callable[[], None]:
    """A page that says in words when the API is away or refuses."""

    @wraps(page)
    def shown() -> None:
        try:
            page()
        except Unreachable as error:
            _unreachable(error)
        except Refused as error:
            _refused(error)

    return shown


def who() -> Me | None:
    """Who looks; None when the API does not say, which the page itself will tell."""
    try:
        return api().me()
    except (Unreachable, Refused):
        return None


def looked_from() -> Health:
    """Let the reader choose an instant to look from; how current the answers are, seen from it."""
    health = freshness()
    past.pick(health.as_of)
    at = past.instant()
    if at is None:
        return health
    show(past.banner(at))
    return health.model_copy(update={"as_of": at})


def freshness() -> Health:
    """Say it when what is shown is not current."""
    health = api().health()
    if health.status == "rebuilding":
        st.info(
            f"The index is being rebuilt: {plain(health.rebuilding)}. Numbers are not complete yet."
        )
    elif health.lag_seconds and health.lag_seconds > BEHIND_SECONDS:
        behind = phrases.duration(health.lag_seconds)
        st.info(
            f"{health.entries_behind:,} inputs wait to be read; what you see is {behind} behind."
        )
    if health.alerting_waits:
        st.info(f"Deadlines are judged again when input is read: {plain(health.alerting_waits)}.")
    if health.disk:
        st.warning(f"{plain(health.disk)}.", icon=":material/hard_drive:")
    return health


def _refused(error: Refused) -> None:
    problem = error.problem
    if problem.status == NOT_SIGNED_IN:
        sign_in.ended(problem.detail)
        return
    if problem.status == NOT_YET and past.instant():
        st.info(f"**{plain(problem.title)}.** {plain(problem.detail)}", icon=":material/history:")
        st.button("Ask again", type="primary")
        return
    icon = ":material/lock:" if problem.status == NOT_ALLOWED else ":material/info:"
    st.warning(f"**{plain(problem.title)}.** {plain(problem.detail)}", icon=icon)


def _unreachable(error: Unreachable) -> None:
    st.error(f"**Threadline's API does not answer** at `{error.url}`.", icon=":material/cloud_off:")
    st.markdown(
        "Nothing is wrong with this page. Is the service running? Start it with `threadline up`, or"
        " point the dashboards at another address with the environment variable"
        " `THREADLINE_API_URL`. What senders deliver meanwhile is retried by them and not lost."
    )
    st.caption(f"What happened: {plain(error.reason)}")
    st.button("Try again", type="primary")
