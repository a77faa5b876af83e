"""Addresses of pages, so that every view can be linked to."""

from __future__ import annotations

from urllib.parse import urlencode

from dashboards import past


def contract(identifier: str) -> str:
    """The contract page of any identifier."""
    return "contract?" + urlencode({"id": identifier} | past.address())


def incident(incident_id: str) -> str:
    """One incident, with everything known of it."""
    return "on-call?" + urlencode({"incident": incident_id})


def identity(identifier: str) -> str:
    """What ties an identifier to what."""
    return "identity?" + urlencode({"id": identifier})


def mismatches(**which: str) -> str:
    """Copies that differ: of one attribute, in one system, in one state."""
    return "mismatches?" + urlencode(which)


def journeys(**which: str) -> str:
    """A journey's path; `which` names the window and the part whose cases are asked for."""
    told = {key: value for key, value in which.items() if value}
    return "journeys?" + urlencode(told | past.address())


def kpi(name: str, **more: str) -> str:
    """What is behind a KPI; `more` says in which window, currency or part."""
    told = {key: value for key, value in more.items() if value or key == "label"}
    return "kpi?" + urlencode({"kpi": name} | told | past.address())


def closes(period: str, **more: str) -> str:
    """A month that was closed; `more` says which revision, KPI or fact."""
    return "closes?" + urlencode({"period": period} | more)


def comparison(name: str, **more: str) -> str:
    """A KPI on two sides; `more` says in which window, currency or dimension."""
    told = {key: value for key, value in more.items() if value}
    return "comparison?" + urlencode({"kpi": name} | told | past.address())
