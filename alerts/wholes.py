"""Which cases belong to the incident of a hop, and what that means for their own incidents.

A silent source's incident carries cases as well, but it only explains them: they are told on.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace

import polars as pl

from alerts.actions import FOLDED, PARTED, Action
from alerts.book import Book
from threadline.model.incidents import Affected, Change, Incident

Key = tuple[str, str]
_KEY = {"journey": pl.String, "case_id": pl.String}


class Belonging:
    """The cases (journey, case id) of live incidents of hops, kept as their changes are stored.

    A case that hangs on several is told by the one it came to first.
    """

    def __init__(self, incidents: Book) -> None:
        self._incidents = incidents
        self._cases: dict[str, frozenset[Key]] = {}
        self._read = False
        self._came: dict[Key, list[str]] = {}  # in the order in which it came to them
        self._of: dict[Key, str] = {}
        self.left: set[Key] = set()

    def now(self) -> Mapping[Key, str]:
        """The incident (its id) that each case belongs to."""
        if not self._read:
            cases: dict[str, set[Key]] = {}
            self._came = {}
            for case, incident_id in self._incidents.belonging():
                cases.setdefault(incident_id, set()).add(case[:2])
                self._came.setdefault(case[:2], []).append(incident_id)
            self._cases = {name: frozenset(keys) for name, keys in cases.items()}
            self._read = True
            self._index()
        return self._of

    def free(self, cases: pl.DataFrame) -> pl.DataFrame:
        """Those of `cases` that belong to no whole."""
        if not self.now() or cases.is_empty():
            return cases
        keys = pl.DataFrame(list(self._of), schema=_KEY, orient="row")
        return cases.join(keys, on=list(_KEY), how="anti")

    def held(self) -> Mapping[str, frozenset[Key]]:
        """The cases of each live incident of many (its id), as stored."""
        self.now()
        return self._cases

    def stored(self, changes: Iterable[Change]) -> None:
        """Take over what has been stored; `left` collects the cases that belong nowhere now."""
        before = dict(self.now())
        told = False
        for change in changes:
            if not change.incident.of_hop:
                continue
            if not change.incident.live:
                told |= self._cases.pop(change.incident.id, None) is not None
            elif change.hanging is not None:
                keys = frozenset(case[:2] for case in change.hanging)
                told = True
                self._cases[change.incident.id] = keys
        if told:
            self._index()
            self.left |= before.keys() - self._of.keys()

    def keep(self, live: Collection[str]) -> None:
        """Of these incidents (their ids) alone; people have closed others."""
        self.now()
        over = self._cases.keys() - set(live)
        if over:
            before = set(self._of)
            self._cases = {key: of for key, of in self._cases.items() if key not in over}
            self._index()
            self.left |= before - self._of.keys()

    def forget(self) -> None:
        """Read all anew at the next call: somebody else has changed something."""
        self._read = False

    def _index(self) -> None:
        came: dict[Key, list[str]] = {}
        for name, keys in self._cases.items():
            for key in keys:
                came.setdefault(key, []).append(name)
        for key, names in came.items():
            if len(names) > 1:
                before = self._came.get(key, [])
                known = [name for name in before if name in names]
                came[key] = known + [name for name in names if name not in known]
        self._came = came
        self._of = {key: names[0] for key, names in came.items()}


def refold(
    known: Iterable[Incident], belonging: Mapping[Key, str], today: Mapping[str, str]
) -> Iterator[Action]:
    """Live incidents of single cases become part of the whole that tells of them, or leave it."""
    for incident in known:
        if not incident.live or incident.of_many:
            continue
        case_id = today.get(incident.case_id, incident.case_id)
        whole = belonging.get((incident.journey, case_id), "")
        if whole == incident.part_of:
            continue
        fresh = replace(incident, part_of=whole, version=incident.version + 1)
        reason = FOLDED if whole else PARTED
        yield Action(incident=fresh, reason=reason, detail={"into": whole or incident.part_of})


def spells(incidents: Book, case_ids: Collection[str]) -> Mapping[Key, Sequence[Affected]]:
    """When each of these cases belonged to an incident of a hop that somebody knew of."""
    found: dict[Key, list[Affected]] = {}
    for spell in incidents.belonged(case_ids):
        found.setdefault((spell.case.journey, spell.case.case_id), []).append(spell)
    return found
