"""Addresses of pages, so that every view can be linked to."""

from __future__ import annotations

from urllib.parse import urlencode


def contract(identifier: str) -> str:
    """The contract page of any identifier."""
    return "contract?" + urlencode({"id": identifier})


def kpi(name: str, **window: str) -> str:
    """What is behind a KPI in the same window."""
    return "kpi?" + urlencode(
        {"kpi": name} | {key: value for key, value in window.items() if value}
    )
