"""Erasing a person's data: out of inputs, sealed or not, out of the stores, and kept out."""

from __future__ import annotations

import logging
import secrets
import shutil
import threading
from collections import Counter
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase

from collector.decode.readings import names
from collector.decode.statements import Names
from collector.intake.clearing import ClearedLog
from collector.keeping import Eraser
from threadline.activation import Derivation
from threadline.clock import Clock
from threadline.errors import ThreadlineError
from threadline.model.entries import Entry, Logged
from threadline.model.erasures import Erasure, fingerprint, keyed, lower
from threadline.settings import Settings
from threadline.store.control import ControlStore
from threadline.store.log import Log

logger = logging.getLogger(__name__)

SHORTEST = 4  # characters: what is shorter stands by itself in too many places
_SETTLED_SECONDS = 0.2  # what was taken in before is in the log by then
_OF_SENDERS = frozenset({"service.name", "source", "type", "id", "specversion"})


class ErasureRefused(ThreadlineError):
    """It would change figures, or is no identifier of a person."""


@dataclass(frozen=True, kw_only=True)
class Report:
    """What was erased, or would be: in how many inputs, how many values by their name."""

    pseudonyms: Sequence[str]
    entries: int
    places: Counter[str]


class Erasing:
    """One erasure at a time, for any thread.

    `intake` is where inputs go in, `names` what decoding looks for; `forget` drops what was derived
    for past instants.
    """

    def __init__(
        self,
        log: Log,
        control: ControlStore,
        settings: Settings,
        clock: Clock,
        derivation: Callable[[], Derivation],
        forget: Callable[[], None],
    ) -> None:
        self._log, self._control, self._settings, self._clock = log, control, settings, clock
        self._derivation, self._forget = derivation, forget
        self._busy = threading.Lock()
        self.intake = ClearedLog(log, self._names)
        self._known = control.erasures.all()
        self.intake.eraser = self._eraser(self._known)

    @property
    def applied(self) -> int:
        """How many erasures have changed what is kept; an index of fewer has to be derived anew."""
        return applied(self._known)

    def all(self) -> Sequence[Erasure]:
        """Every erasure there ever was, the oldest first."""
        return list(self._known)

    def erase(
        self, identifiers: Collection[str], *, who: str, reason: str, dry_run: bool
    ) -> Report:
        """Replace `identifiers` wherever they stand by pseudonyms, and from now on at intake.

        Raises `ErasureRefused` before anything is changed, and `LogUnavailable` or
        `ControlUnavailable` in between: it is then finished by `resume`.
        """
        _require_sense(identifiers, reason)
        with self._busy:
            wanted = [self._erasure(one, who, reason) for one in sorted(set(identifiers))]
            report = self._found(wanted)
            if not dry_run:
                values = sum(report.places.values())
                new = [one for one in wanted if not one.number]
                self._control.erasures.begin(
                    [replace(one, entries=report.entries, values=values) for one in new]
                )
                self._know()
                self._apply([one for one in self._known if one.pseudonym in report.pseudonyms])
            return report

    def resume(self) -> None:
        """Finish what a crash or a full disk has interrupted, and what a restore brought back."""
        with self._busy:
            if waiting := [one for one in self._known if one.applied_at is None]:
                logger.warning("%d erasures are not finished: they are applied now", len(waiting))
                self._apply(waiting)

    def _erasure(self, identifier: str, who: str, reason: str) -> Erasure:
        text = lower(identifier.strip())
        if known := next((one for one in self._known if one.is_of(text)), None):
            return known
        key = secrets.token_bytes(32)
        return Erasure(
            number=0,
            at=self._clock.now(),
            who=who,
            reason=reason,
            # Digits alone: normalising leaves them, and causes of failures are told without them.
            pseudonym=f"erased-{secrets.randbelow(10**12):012d}",
            length=len(text),
            fingerprint=fingerprint(text),
            key=key.hex(),
            digest=keyed(key, text),
            entries=0,
            values=0,
            applied_at=None,
        )

    def _found(self, wanted: Sequence[Erasure]) -> Report:
        """Where they stand now; raises `ErasureRefused` where figures hang on them."""
        places, entries = Counter[str](), 0
        for entry in self._log.everything():
            if cleared := self._cleared(self._eraser(wanted), entry):
                places += cleared
                entries += 1
        if decisive := sorted(name for name in places if self._decisive(name)):
            raise ErasureRefused(
                f"figures hang on what it says: it stands in {', '.join(decisive)}, which name"
                " objects, senders or what definitions read; nothing was erased"
            )
        pseudonyms = [one.pseudonym for one in wanted]
        return Report(pseudonyms=pseudonyms, entries=entries, places=places)

    def _apply(self, wanted: Sequence[Erasure]) -> None:
        eraser, places, entries = self._eraser(wanted), Counter[str](), 0
        now = self._clock.now()

        def change(one: Logged) -> Entry | None:
            nonlocal entries
            cleared = eraser.cleared(one.entry, self._names(), now)
            if cleared is None:
                return None
            entries += 1
            places.update(cleared.places)
            return cleared.entry

        seen = self._log.rewrite(change)
        self._log.wait(_SETTLED_SECONDS, {0: seen})
        self._log.rewrite(change, seen)
        self._control.erasures.forget(eraser.text)
        for broken in self._settings.telemetry.dir.parent.glob(
            f"{self._settings.telemetry.dir.name}.broken-*"
        ):
            shutil.rmtree(broken, ignore_errors=True)
        self._forget()
        values = sum(places.values())
        self._control.erasures.applied(wanted, entries=entries, values=values)
        self._know()
        logger.info("erased %d values in %d inputs", values, entries)

    def _cleared(self, eraser: Eraser, entry: Entry) -> Counter[str] | None:
        cleared = eraser.cleared(entry, self._names(), entry.received_at)
        return cleared.places if cleared else None

    def _know(self) -> None:
        self._known = self._control.erasures.all()
        self.intake.eraser = self._eraser(self._known)

    def _eraser(self, erasures: Collection[Erasure]) -> Eraser:
        return Eraser(erasures, self._settings.erasure.personal)

    def _names(self) -> Names:
        derivation = self._derivation()
        return names(derivation.mapping, derivation.wanted)

    def _decisive(self, name: str) -> bool:
        """Whether what is derived depends on an attribute, under any name that it has."""
        derivation = self._derivation()
        mapping = derivation.mapping
        read_as = {name, *(source.rename.get(name, name) for source in mapping.sources)}
        ties = {
            attribute
            for attribute, names in mapping.attributes.items()
            if mapping.objects[names.object_type].links
        }
        personal = any(fnmatchcase(name.lower(), one) for one in self._settings.erasure.personal)
        read = frozenset[str]() if personal else derivation.wanted
        return bool(read_as & (ties | read | _OF_SENDERS))


def applied(erasures: Collection[Erasure]) -> int:
    """How many of them have changed what is kept."""
    return sum(one.applied_at is not None and one.entries > 0 for one in erasures)


def _require_sense(identifiers: Collection[str], reason: str) -> None:
    if short := [one for one in identifiers if len(one.strip()) < SHORTEST]:
        raise ErasureRefused(f"{short[0]!r} has fewer than {SHORTEST} characters: too many have it")
    if any(one.strip().lower() in reason.lower() for one in identifiers):
        raise ErasureRefused("the reason names whom it erases: it would be kept")
