"""A past instant to look from, kept in the address, and said where it cannot be overlooked."""

from __future__ import annotations

from datetime import UTC, datetime, time

import streamlit as st

from dashboards.markup import Markup, tag
from threadline.wire import phrases

PARAMETER = "as_of"
_KEY = "past_day"


def instant() -> datetime | None:
    """The instant in the address; None looks from now."""
    try:
        at = datetime.fromisoformat(st.query_params.get(PARAMETER, ""))
    except ValueError:
        return None
    return at.replace(tzinfo=at.tzinfo or UTC).astimezone(UTC)


def address() -> dict[str, str]:
    """As a parameter of a page's address, or of the API."""
    at = instant()
    return {PARAMETER: at.isoformat()} if at else {}


def banner(at: datetime) -> Markup:
    """What the reader looks at is not the present."""
    said = (
        f"As of {phrases.instant(at)}: what had been received, ruled and defined by then, judged"
        " at that instant. Incidents show how they stand today."
    )
    return tag("div", tag("p", said, class_="tl-verdict"), class_="tl-box tl-warning")


def pick(now: datetime) -> None:
    """Let the reader go to the end of a past day, or back to now; days are those of UTC."""
    at = instant()
    st.date_input(
        "As of the end of (UTC)",
        value=at.date() if at else None,
        max_value=now.date(),
        key=_KEY,
        on_change=_go,
        args=(now,),
        width=200,
        help="Shows what was known then. Empty, or today: what is known now.",
    )


def _go(now: datetime) -> None:
    day = st.session_state[_KEY]
    if day is None or day >= now.date():
        st.query_params.pop(PARAMETER, None)
        return
    st.query_params[PARAMETER] = datetime.combine(day, time(23, 59, 59), UTC).isoformat()
