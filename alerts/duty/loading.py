"""Rotas read from YAML and checked."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

from alerts.duty import hours, wall_clock
from alerts.duty.calendar import DutyCalendar
from alerts.duty.rota import Layer, Member, Rota
from alerts.faults import Faults
from threadline import definitions
from threadline.definitions import Document
from threadline.errors import DefinitionError, DefinitionErrors
from threadline.model.duty import Override
from threadline.zones import zone

SCHEMA = Path(__file__).parents[1] / "rotas.schema.json"

_BY_DEFINITION = "the rota's definition"


@dataclass(frozen=True, kw_only=True)
class Rotas:
    """All rotas of a deployment, by name.

    `contents` are the definitions as written, with the text of a calendar in place of its file, for
    the definition store.
    """

    by_name: Mapping[str, Rota] = field(default_factory=dict)
    contents: Mapping[str, Any] = field(default_factory=dict)


def load(directories: Sequence[Path], receivers: Collection[str]) -> Rotas:
    """The rotas in `directories`, a later one replacing files of the same name.

    Members are told at `receivers` (each `policy/receiver`). Raises `DefinitionErrors` naming file,
    line, key and rule.
    """
    errors: list[DefinitionError] = []
    loaded: dict[str, Rota] = {}
    contents: dict[str, Any] = {}
    for document in definitions.documents(definitions.files(*directories), SCHEMA, errors):
        reading = _Reading(document, receivers)
        rota = reading.rota()
        if rota.name in loaded:
            reading.faults.add(("rota",), "is already the name of another rota")
        errors += reading.faults.found
        loaded[rota.name], contents[rota.name] = rota, reading.content
    if errors:
        raise DefinitionErrors(errors)
    return Rotas(by_name=loaded, contents=contents)


def declared(directories: Sequence[Path]) -> dict[str, bool]:
    """The names of all rotas that can be read, and whether each has business hours."""
    found = definitions.documents(definitions.files(*directories), SCHEMA, [])
    return {one.content["rota"]: "hours" in one.content for one in found}


class _Reading:
    """One document becoming a rota."""

    def __init__(self, document: Document, receivers: Collection[str]) -> None:
        self.faults = Faults(document)
        self.content: dict[str, Any] = dict(document.content)
        self._file = document.file
        self._receivers = receivers
        self._zone = "UTC"  # until it is known to be one, so that other faults are found as well

    def rota(self) -> Rota:
        """Only of use if there are no `faults`."""
        with self.faults.at("zone"):
            zone(self.content["zone"])
            self._zone = self.content["zone"]
        members = {name: self._member(name) for name in self.content["members"]}
        return Rota(
            name=self.content["rota"],
            title=self.content.get("title", self.content["rota"]),
            zone=self._zone,
            members=members,
            layers=tuple(self._layers()),
            overrides=tuple(self._overrides()),
            calendar=self._calendar(list(members.values())),
            hours=self._hours(),
        )

    def _hours(self) -> hours.Hours | None:
        with self.faults.at("hours"):
            return (
                hours.parse(self.content["hours"], self._zone) if "hours" in self.content else None
            )
        return None

    def _member(self, name: str) -> Member:
        raw = self.content["members"][name]
        for place, receiver in enumerate(raw["receivers"]):
            if receiver not in self._receivers:
                rule = f"no policy has the receiver {receiver!r}"
                self.faults.add(("members", name, "receivers", place), rule)
        return Member(
            name=name,
            receivers=tuple(raw["receivers"]),
            known_as=tuple(raw.get("known_as", ())),
        )

    def _layers(self) -> Iterator[Layer]:
        for index, raw in enumerate(self.content.get("layers", ())):
            path = ("layers", index)
            for place, name in enumerate(raw["members"]):
                self._require_member(name, (*path, "members", place))
            here = raw.get("zone", self._zone)
            with self.faults.at(*path, "zone"):
                zone(here)
                with self.faults.at(*path):
                    yield self._layer(raw, index, here)

    def _layer(self, raw: Mapping[str, Any], index: int, place: str) -> Layer:
        handover, turn = raw.get("handover", {}), raw.get("turn", "weekly")
        start = date.fromisoformat(raw["start"])
        if turn == "weekly":
            weekday = hours.WEEKDAYS.index(handover.get("weekday", "monday"))
            start += (weekday - start.weekday()) % 7 * hours.DAY
        elif "weekday" in handover:
            raise ValueError("handover.weekday: is for weekly turns; start says when others begin")
        return Layer(
            name=raw.get("name", f"layer {index + 1}"),
            zone=place,
            members=tuple(raw["members"]),
            days={"daily": 1, "weekly": 7}.get(turn) or int(turn[:-1]),
            start=start,
            handover=hours.clock(handover.get("at", "09:00")),
            hours=hours.parse(raw["hours"], place) if "hours" in raw else None,
        )

    def _overrides(self) -> Iterator[Override]:
        raw = self.content.get("overrides", ())
        for index, one in enumerate(raw):
            self._require_member(one["who"], ["overrides", index, "who"])
            with self.faults.at("overrides", index):
                starts_at, ends_at = (instant(one[end], self._zone) for end in ("from", "to"))
                if ends_at <= starts_at:
                    raise ValueError("to: has to be after from")
                yield Override(
                    number=index - len(raw),  # before any that people decide later
                    rota=self.content["rota"],
                    member=one["who"],
                    starts_at=starts_at,
                    ends_at=ends_at,
                    who=_BY_DEFINITION,
                    why=one.get("why", ""),
                )

    def _calendar(self, members: Sequence[Member]) -> DutyCalendar | None:
        key = "ical" if "ical" in self.content else "calendar"
        if key not in self.content:
            return None
        with self.faults.at(key):
            if file := self.content.pop("ical", None):
                self.content["calendar"] = self._text(self._file.parent / file)
            return DutyCalendar(self.content["calendar"], members, self._zone)
        return None

    def _text(self, file: Path) -> str:
        try:
            return file.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise ValueError(f"{file} cannot be read: {error}") from error

    def _require_member(self, name: str, path: Sequence[str | int]) -> None:
        if name not in self.content["members"]:
            known = ", ".join(self.content["members"])
            self.faults.add(path, f"{name!r} is no member of this rota (members: {known})")


def instant(text: str, place: str) -> datetime:
    """An instant as it is written: with an offset, or on the clock of `place`."""
    at = datetime.fromisoformat(text)
    return at.astimezone(UTC) if at.tzinfo else wall_clock.first(at, zone(place))
