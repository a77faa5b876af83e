"""Facts that count against a KPI, and systems against their cadence, as tables."""

from __future__ import annotations

from collections.abc import Sequence

from dashboards import links
from dashboards.markup import Markup, join, link, table
from dashboards.orphan_table import REASONS as OF_ORPHANS
from threadline.wire import KpiFact, SystemHeard, phrases

REASONS = {
    **OF_ORPHANS,
    "not-understood": "was not understood: a dead letter",
    "told-again": "tells again what was told before",
    "mapping-failed": "its mapping failed",
    "required-field-missing": "lacks a required field",
}


def fact_table(facts: Sequence[KpiFact]) -> Markup:
    """Received, source, system, fact, why it counts, and what it names."""
    rows: list[list[str | Markup]] = [
        [
            phrases.moment(one.received_at),
            one.source,
            one.system,
            one.name or one.position,
            REASONS.get(one.reason, one.reason),
            join([link(links.identity(name), name) for name in one.identifiers], ", "),
        ]
        for one in facts
    ]
    return table(["Received (UTC)", "Source", "System", "Fact", "Why", "It names"], rows)


def system_table(systems: Sequence[SystemHeard]) -> Markup:
    """System, cadence, when it was last heard of, and how long it may be silent."""
    rows: list[list[str | Markup]] = [
        [
            one.system,
            one.cadence,
            phrases.instant(one.last_received_at) if one.last_received_at else "never",
            phrases.duration(one.silent_seconds),
            phrases.duration(one.allowed_seconds),
            "never heard of" if one.standing == "unknown" else one.standing,
        ]
        for one in systems
    ]
    heads = ["System", "Cadence", "Last heard of", "Silent for", "May be silent for", "State"]
    return table(heads, rows)
