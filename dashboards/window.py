"""The window of time the numbers are computed over, kept in the address."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

import streamlit as st

from dashboards.client import Query

CHOICES = {"7": "7 d", "30": "30 d", "90": "90 d", "365": "1 year", "all": "All"}
DEFAULT = "30"
BEGINNING = "2000-01-01T00:00:00Z"  # no plausible fact is older
POINTS = {"7": "1d", "30": "3d", "90": "7d", "365": "30d", "all": "30d"}


@dataclass(frozen=True, kw_only=True)
class Window:
    """A choice of days up to `now`, and perhaps one journey."""

    days: str
    journey: str
    now: datetime

    @property
    def query(self) -> Query:
        """As parameters of the API; `now` bounds all of them alike."""
        start = BEGINNING
        if self.days != "all":
            start = (self.now - timedelta(days=int(self.days))).isoformat()
        return {"from": start, "to": self.now.isoformat(), "journey": self.journey}

    @property
    def every(self) -> str:
        """How long one point of a trend is."""
        return POINTS[self.days]

    @property
    def address(self) -> dict[str, str]:
        """As parameters of a page's address."""
        return {"days": self.days, "journey": self.journey}

    @property
    def words(self) -> str:
        return "all time" if self.days == "all" else f"the last {self.days} days"


def chosen(now: datetime) -> Window:
    """The window in the address."""
    days = st.query_params.get("days", DEFAULT)
    return Window(
        days=days if days in CHOICES else DEFAULT,
        journey=st.query_params.get("journey", ""),
        now=now,
    )


def choose(window: Window, journeys: dict[str, str]) -> None:
    """Let the reader change the window; `journeys` are titles by name."""
    with st.container(horizontal=True, vertical_alignment="bottom"):
        st.segmented_control(
            "Window",
            list(CHOICES),
            format_func=CHOICES.__getitem__,
            default=window.days,
            key="days_chosen",
            on_change=_keep,
            args=("days", "days_chosen"),
        )
        if len(journeys) > 1:
            names = ["", *journeys]
            st.selectbox(
                "Journey",
                names,
                index=names.index(window.journey) if window.journey in names else 0,
                format_func=lambda name: journeys.get(name, "All journeys"),
                key="journey_chosen",
                on_change=_keep,
                args=("journey", "journey_chosen"),
                width=280,
            )


def _keep(parameter: str, key: str) -> None:
    value = st.session_state[key]
    if value:
        st.query_params[parameter] = value
    elif parameter in st.query_params:
        del st.query_params[parameter]
