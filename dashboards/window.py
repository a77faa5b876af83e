"""The window of time the numbers are computed over, kept in the address."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import streamlit as st

from dashboards import past
from dashboards.client import Query

CHOICES = {
    "last-7-days": "Last 7 days",
    "last-30-days": "Last 30 days",
    "last-90-days": "Last 90 days",
    "last-365-days": "Last 365 days",
    "this-week": "This week",
    "last-week": "Last week",
    "this-month": "This month",
    "last-month": "Last month",
    "this-quarter": "This quarter",
    "last-quarter": "Last quarter",
    "this-year": "This year",
    "last-year": "Last year",
    "all-time": "All time",
}
FISCAL = {
    "this-fiscal-quarter": "This fiscal quarter",
    "last-fiscal-quarter": "Last fiscal quarter",
    "this-fiscal-year": "This fiscal year",
    "last-fiscal-year": "Last fiscal year",
}
DEFAULT = "last-30-days"
POINTS = {"7-days": "day", "30-days": "3d", "week": "day", "month": "day", "90-days": "week",
          "quarter": "week"}  # fmt: skip  # by how the name ends; else months


@dataclass(frozen=True, kw_only=True)
class Window:
    """A window by its name in the API, around `now`, and perhaps one journey."""

    name: str
    journey: str
    now: datetime

    @property
    def query(self) -> Query:
        """As parameters of the API, around the present or the past instant looked from."""
        return {"window": self.name, "journey": self.journey} | past.address()

    @property
    def every(self) -> str:
        """How long one point of a trend is."""
        return next((POINTS[end] for end in POINTS if self.name.endswith(end)), "month")

    @property
    def address(self) -> dict[str, str]:
        """As parameters of a page's address."""
        return {"window": self.name, "journey": self.journey}

    @property
    def words(self) -> str:
        said = (CHOICES | FISCAL)[self.name].lower()
        return f"the {said}" if self.name.endswith("-days") else said


def chosen(now: datetime) -> Window:
    """The window in the address."""
    name = st.query_params.get("window", DEFAULT)
    return Window(
        name=name if name in CHOICES | FISCAL else DEFAULT,
        journey=st.query_params.get("journey", ""),
        now=now,
    )


def choose(
    window: Window, journeys: dict[str, str], *, fiscal: bool, every_journey: bool = True
) -> None:
    """Let the reader change the window; `journeys` are titles by name.

    `fiscal`: whether the fiscal year is another than the calendar's, so that its windows are worth
    a place. `every_journey`: whether all of them together may be chosen, too.
    """
    choices = CHOICES | (FISCAL if fiscal or window.name in FISCAL else {})
    with st.container(horizontal=True, vertical_alignment="bottom"):
        st.selectbox(
            "Window",
            list(choices),
            index=list(choices).index(window.name),
            format_func=choices.__getitem__,
            key="window_chosen",
            on_change=_keep,
            args=("window", "window_chosen"),
            width=220,
        )
        if len(journeys) > 1:
            names = [*([""] if every_journey else []), *journeys]
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
