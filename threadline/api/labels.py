"""What the parts of a dimension are called, where their label says little to people."""

from __future__ import annotations

from metrics.definitions import Definitions


def title(definitions: Definitions, by: str, label: str) -> str:
    """Of a version of a journey its number and since when it is active; '' where the label does."""
    if by != "version":
        return ""
    for name, versions in definitions.versions.items():
        for number, one in enumerate(versions, start=1):
            if one.journey.version == label:
                journey = definitions.known_journey(name) or one.journey
                since = f", since {one.since:%d %b %Y}" if one.since else ""
                return f"{journey.title}, version {number}{since}"
    return ""
