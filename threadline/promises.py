"""What has to be judged now: open cases in memory, brought up to date from look to look."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from datetime import datetime

import polars as pl

from threadline.open_cases import KEY, OpenCases, is_late, passed, tells
from threadline.store.telemetry import Telemetry, deadlines, failing

Marks = Callable[[pl.DataFrame], pl.DataFrame]


@dataclass(frozen=True, kw_only=True)
class Look:
    """What is to be judged at `now`; columns are those of `store.telemetry.deadlines`.

    `cases` have something to tell that was not judged yet, or had and changed, or are watched and
    changed. `failing` are all steps that failed and are waited for, `late` all running cases past a
    deadline; None where nothing of that changed since the last look, nor one is past another
    deadline. `today` is what identifiers that are watched resolve to.
    """

    now: datetime
    cases: pl.DataFrame
    failing: pl.DataFrame | None
    late: pl.DataFrame | None
    today: Mapping[str, str]


@dataclass(frozen=True, kw_only=True)
class _Changes:
    """Cases derived since the last look, as they are and as they were, and whether steps of them
    fail or failed.
    """

    fresh: pl.DataFrame
    before: pl.DataFrame
    failing: bool


class Promises:
    """For one thread. A look that is not settled, for whatever reason, is taken again as a whole.

    `marks` gives cases the columns of instants (`mark:<name>`) that rules name beside the journey's
    own; None: there are none.
    """

    def __init__(self, telemetry: Telemetry, marks: Marks | None = None) -> None:
        self._telemetry, self._marks = telemetry, marks
        self._stamp: deadlines.Stamp | None = None
        self._open: OpenCases | None = None
        self._failing = pl.DataFrame()
        self._judged: datetime | None = None  # None: nothing is judged, or not reliably
        self._watched: set[str] = set()
        self._today: dict[str, str] = {}  # '': it resolves to nothing
        self._resolved = 0  # up to which generation

    @property
    def judged(self) -> datetime | None:
        """Up to when everything is judged; None: it is not known to be."""
        return self._judged

    def reconsider(self, marks: Marks | None) -> None:
        """Let the next look tell everything again: rules have changed, perhaps with their marks."""
        self._judged = None
        if marks != self._marks:
            self._marks, self._stamp = marks, None

    def follow(self) -> None:
        """Keep up with what is derived without judging it: whoever may take over is ready to."""
        self._judged = None
        self._catch_up()

    def look(self, now: datetime, watched: Collection[str]) -> Look:
        """What is to be judged at `now`; `watched` are the cases of live incidents, as they were
        called when they were stored. Raises `TelemetryUnavailable`.
        """
        since, self._judged = self._judged, None
        changes = self._catch_up()
        today = self._resolve(set(watched))
        ids = {today.get(one, one) for one in watched}
        afresh = changes is None or since is None or now < since
        look = (
            self._whole(now, ids, today)
            if afresh or changes is None or since is None
            else self._news(changes, since, now, ids, today)
        )
        self._watched = ids | set(look.cases["case_id"])
        return look

    def settle(self, look: Look) -> None:
        """What `look` told is stored: the next one tells what is new since."""
        self._judged = look.now

    def next_instant(self, after: datetime) -> datetime | None:
        """When the next promise or mark of any case passes; None: not foreseen."""
        return self._open.next_instant(after) if self._open else None

    def _whole(self, now: datetime, ids: set[str], today: Mapping[str, str]) -> Look:
        found = pl.concat([self._held.telling(now), self._named(ids)])
        return Look(
            now=now,
            cases=found.unique(KEY),
            failing=self._failing,
            late=self._held.late(now),
            today=today,
        )

    def _news(
        self,
        changes: _Changes,
        since: datetime,
        now: datetime,
        ids: set[str],
        today: dict[str, str],
    ) -> Look:
        fresh, before = changes.fresh, changes.before
        told = tells(before.columns, since)
        known = pl.col("case_id").is_in(list(ids))
        passing = self._held.passing(since, now)
        cases = [
            fresh.filter(tells(fresh.columns, now) | known),
            fresh.join(before.filter(told), on=KEY, how="semi"),
            passing.filter(tells(passing.columns, now) | told | known),
            self._named(ids - self._watched),
        ]
        late = (
            fresh.filter(is_late(now)).height
            or before.filter(is_late(since)).height
            or passing.filter(passed(now) != passed(since)).height
        )
        failed = self._failing["failed_at"].is_between(since, now, closed="right").any()
        return Look(
            now=now,
            cases=pl.concat(cases).unique(KEY),
            failing=self._failing if changes.failing or failed else None,
            late=self._held.late(now) if late else None,
            today=today,
        )

    @property
    def _held(self) -> OpenCases:
        if self._open is None:
            raise AssertionError("nothing was read yet")
        return self._open

    def _named(self, ids: set[str]) -> pl.DataFrame:
        """The cases of these ids, those that have ended too."""
        held = self._held.named(ids)
        missing = ids - set(held["case_id"])
        if not missing:
            return held
        ended = self._marked(deadlines.named(self._telemetry, missing))
        return pl.concat([held, ended.select(held.columns)])

    def _catch_up(self) -> _Changes | None:
        """Take in what was derived since; None: everything was read anew."""
        stamp, known = deadlines.stamp(self._telemetry), self._stamp
        if known is None or stamp.made != known.made or stamp.generation < known.generation:
            self._read_all(stamp)
            return None
        if stamp == known:
            nothing = self._held.none()
            return _Changes(fresh=nothing, before=nothing, failing=False)
        return self._take_in(stamp, known.generation)

    def _read_all(self, stamp: deadlines.Stamp) -> None:
        self._stamp = None
        parts = deadlines.open_cases(self._telemetry)
        self._open = OpenCases(self._marked(part) for part in parts)
        self._failing = failing.steps(self._telemetry)
        self._today, self._resolved = {}, 0
        self._stamp = stamp

    def _take_in(self, stamp: deadlines.Stamp, after: int) -> _Changes:
        changed = deadlines.changed(self._telemetry, after)
        fails = failing.steps_of(self._telemetry, changed, after)
        gone = pl.col("deleted") == 1
        fresh = self._marked(changed.filter(~gone).drop("generation", "deleted"))
        before = self._held.rows(changed)
        self._held.put(changed, fresh)
        failed = self._failing.join(changed, on=KEY, how="semi").height
        others = self._failing.join(changed, on=KEY, how="anti")
        self._failing = pl.concat([others, fails])
        self._stamp = stamp
        return _Changes(fresh=fresh, before=before, failing=bool(failed or fails.height))

    def _marked(self, cases: pl.DataFrame) -> pl.DataFrame:
        """With their marks, and without what only these are reckoned by."""
        slim = cases.drop("dimensions")
        if self._marks is None:
            return slim
        marks = self._marks(cases).cast(pl.Datetime("ns", "UTC"))
        return pl.concat([slim, marks], how="horizontal")

    def _resolve(self, watched: set[str]) -> dict[str, str]:
        """What `watched` resolve to, asked again only where that may have changed."""
        generation = self._stamp.generation if self._stamp else 0
        asked = watched - self._today.keys()
        if generation > self._resolved and self._today:
            asked |= watched & deadlines.resolved(self._telemetry, self._resolved)
        found = deadlines.resolutions(self._telemetry, asked)
        self._today = {
            one: found.get(one, "") if one in asked else self._today[one] for one in watched
        }
        self._resolved = generation
        return {one: today for one, today in self._today.items() if today}
