"""What the parts of a dimension are called, where their label says little to people."""

from __future__ import annotations

from metrics.definitions import Definitions


def title(definitions: Definitions, by: str, label: str) -> str:
    """Of a journey what it is called, of a version its number and since when; else ''."""
    if by == "journey":
        known = definitions.known_journey(label)
        return known.title if known else ""
    if by != "version":
        return ""
    for name, versions in definitions.versions.items():
        for number, one in enumerate(versions, start=1):
            if one.journey.version == label:
                journey = definitions.known_journey(name) or one.journey
                since = f", since {one.since:%d %b %Y}" if one.since else ""
                return f"{journey.title}, version {number}{since}"
    return ""
