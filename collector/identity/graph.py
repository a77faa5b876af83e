"""What identity holds in memory of the store it writes to."""

from __future__ import annotations

from typing import Self

import polars as pl

from collector.identity.keys import Keys
from collector.identity.linkage import Linkage
from collector.identity.retractions import Retractions
from collector.mapping import Mapping
from threadline.store.telemetry import Telemetry, facts, identity


class Graph:
    """The links and what they resolve to; which traces were seen, and which are linked to.

    It belongs to one thread. `stage.identify` changes it before anything is stored: if storing then
    fails, load a new one.
    """

    def __init__(
        self,
        linkage: Linkage,
        retractions: Retractions,
        seen: Keys,
        awaited: Keys,
        unsettled: frozenset[str],
    ) -> None:
        self.linkage = linkage
        self.retractions = retractions
        self.seen = seen  # traces, and facts outside of traces, of which something is stored
        self.awaited = awaited  # traces that stored spans link to
        self._unsettled = unsettled

    @classmethod
    def load(cls, telemetry: Telemetry, mapping: Mapping, rulings: pl.DataFrame) -> Self:
        """What is stored, under the given rulings (`ties.RULINGS`)."""
        return cls(
            linkage=Linkage.load(
                identity.links(telemetry),
                identity.places(telemetry),
                identity.tenures(telemetry),
                rulings,
                mapping,
            ),
            retractions=Retractions(facts.named(telemetry, mapping.retractions), mapping),
            seen=Keys(facts.groups(telemetry)),
            awaited=Keys(facts.awaited(telemetry)),
            unsettled=frozenset(identity.unsettled(telemetry)),
        )

    def take_unsettled(self) -> frozenset[str]:
        """The roots an interrupted batch still owes its cases to; asked once."""
        owed, self._unsettled = self._unsettled, frozenset()
        return owed
