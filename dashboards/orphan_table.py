"""Facts that belong to no contract, as a table whose every name opens its evidence."""

from __future__ import annotations

from collections.abc import Sequence

from dashboards import links
from dashboards.markup import Markup, join, link, table
from threadline.wire import Orphan, phrases

REASONS = {
    "names-nobody": "names nobody",
    "not-tied": "names only what nothing ties to a contract",
}


def orphan_table(orphans: Sequence[Orphan]) -> Markup:
    """Received, source, fact, why it belongs to none, and what it names."""
    rows: list[list[str | Markup]] = [
        [
            phrases.moment(one.received_at),
            one.source,
            one.name,
            REASONS[one.reason],
            join([link(links.identity(name), name) for name in one.identifiers], ", "),
        ]
        for one in orphans
    ]
    return table(["Received (UTC)", "Source", "Fact", "Why", "It names"], rows)
