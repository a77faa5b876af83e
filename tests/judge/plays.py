"""How a tape is played into a fresh service: forwards, shuffled, duplicated."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cache
from itertools import cycle
from pathlib import Path
from random import Random

from judge.hops import HopBook, hop_id
from judge.judgement import (
    Judgement,
    hold_counts,
    hold_figures,
    hold_hops,
    hold_incidents,
    hold_states,
    hold_tables,
    silent_systems,
)
from judge.observable import Truth, standing
from judge.promises import Book, incident_id
from judge.service import HEARS, JudgedService, fresh_service
from judge.tape import Delivery, tape

from metrics import definitions
from threadline.store.telemetry import Telemetry

ORDERS = ("forwards", "shuffled", "duplicated")
LOOKS = 5
CANDIDATES = 4
SMALL_BATCH = 25  # requests: so that a tape is derived in many batches and stretches
SHORTLY = timedelta(hours=17)  # when most of what was told by then has been delivered
JUST = timedelta(minutes=1)
PASSAGES = (2, 4)  # after which looks one step is seen before and after it is closed
QUARTER = timedelta(minutes=15)  # when those who have not answered are told again


@cache
def _definitions() -> definitions.Definitions:
    return definitions.load()


def whole(directory: Path) -> Truth:
    """All that the tape in `directory` can tell."""
    return Truth(tape(directory), _definitions())


def judge(
    directory: Path, telemetry: Telemetry, order: str, truth: Truth, *, hasty: bool = False
) -> Judgement:
    """Play the tape in `directory`, the `whole` of which is `truth`, in one of `ORDERS`.

    A `hasty` play ends at the first look that shows a difference.
    """
    deliveries = list(tape(directory))
    sent = deliveries if order == "forwards" else _disordered(deliveries, order)
    end = datetime.fromisoformat(json.loads((directory / "world.json").read_text())["end"])
    judgement = Judgement(world=directory.name, order=order)
    with (
        tempfile.TemporaryDirectory(prefix="judged-") as place,
        fresh_service(
            Path(place), telemetry, deliveries[0].at, batch_entries=SMALL_BATCH
        ) as service,
    ):
        play = _Play(service=service, judgement=judgement, hasty=hasty, waiting=sent)
        if order == "forwards":
            _forwards(play, deliveries, end, truth)
        if not play.over:
            play.deliver()
            play.look(truth, end)
            hold_tables(service.telemetry, truth, judgement)
            hold_counts(service.telemetry, truth, sent, judgement)
            hold_figures(service, truth, end, judgement)
            play.linger(truth, end)
        judgement.became = play.book.became + play.hops.became
    return judgement


@dataclass(kw_only=True)
class _Play:
    """A service being looked at from time to time, and the book of what it promised."""

    service: JudgedService
    judgement: Judgement
    hasty: bool
    waiting: list[Delivery]
    hops: HopBook = field(default_factory=HopBook)
    book: Book = field(init=False)
    _turns: Iterator[str] = field(default_factory=lambda: cycle(("acknowledge", "", "close")))

    def __post_init__(self) -> None:
        self.book = Book(self.hops)

    @property
    def over(self) -> bool:
        return self.hasty and bool(self.judgement.differences)

    def deliver(self, until: datetime | None = None) -> None:
        """Send what arrives by then, or all that is left."""
        due = [each for each in self.waiting if until is None or each.at <= until]
        self.waiting = self.waiting[len(due) :]
        self.service.deliver(due)

    def visit(self, truth: Truth, now: datetime) -> datetime:
        """Take in what arrives by `now`, look and stay for a while; when that is over."""
        if self.over:
            return now
        self.deliver(now)
        self.look(truth, now)
        return self.linger(truth, now)

    def look(self, truth: Truth, now: datetime) -> None:
        """Let deadlines be judged at `now`, and compare what the service says then."""
        self.service.evaluate(now)
        self.hops.watch(truth, now)
        self.book.look(truth.told.cases, now)
        self._escalate(now)
        hold_states(self.service, truth, now, self.judgement)
        self._hold(truth, now)

    def linger(self, truth: Truth, now: datetime) -> datetime:
        """Let people act at `now`, and look again when those who did not must have been told."""
        self._act(now)
        later = now + QUARTER
        if self.waiting:
            self.deliver(later)
        self.service.clock.move_to(later)
        self.service.alerts.escalate(later)
        self._escalate(later)
        self._hold(truth, later)
        return later

    def _escalate(self, now: datetime) -> None:
        self.hops.escalate(now)
        self.book.escalate(now)

    def _hold(self, truth: Truth, now: datetime) -> None:
        """Compare incidents; what is owed then is heard by one receiver, and never by the other."""
        hold_incidents(self.service, truth, self.book, now, self.judgement)
        hold_hops(self.service, self.hops, now, self.judgement)
        self.service.hear(now)
        self.hops.hear(HEARS, now)
        self.book.hear(HEARS, now)

    def _act(self, now: datetime) -> None:
        """Acknowledge one open incident, and close another by hand; of hops one or the other, or
        neither, in turn.
        """
        alerts = self.service.alerts
        waiting = sorted(key for key, kept in self.book.kept.items() if kept.state == "open")
        for key, ours, theirs in zip(
            waiting,
            (self.book.acknowledge, self.book.close),
            (alerts.acknowledge, alerts.resolve),
            strict=False,
        ):
            ours(key, now)
            theirs(incident_id(key), who="somebody")
        failing = sorted(
            promise for promise, kept in self.hops.kept.items() if kept.state == "open"
        )
        turn = next(self._turns)
        if failing and turn == "acknowledge":
            self.hops.acknowledge(failing[0], now)
            alerts.acknowledge(hop_id(failing[0]), who="somebody")
        elif failing and turn == "close":
            self.hops.close(failing[-1], now)
            alerts.resolve(hop_id(failing[-1]), who="somebody")


def _forwards(play: _Play, deliveries: Sequence[Delivery], end: datetime, whole: Truth) -> None:
    """Deliver, stopping `LOOKS` times to look: once at the very instant of a deadline."""
    start = deliveries[0].at
    late = sorted(
        case["due_at"]
        for case in whole.told.cases.values()
        if case["due_at"]
        and case["known_at"] < case["due_at"]
        and case["due_at"] < (case["completed_at"] or case["cancelled_at"] or end)
    )
    looked = start
    for number in range(1, LOOKS + 1):
        after = max(looked, start + (end - start) * number / (LOOKS + 1))
        for at in (each for each in _troubled(whole) if looked < each < after):
            looked = play.visit(_known(deliveries, at), at)
        after = max(looked, after)
        looked, truth = _look(deliveries, after, [due for due in late if due > after])
        looked = play.visit(truth, looked)
        for at in _passage(whole, looked, end) if number in PASSAGES else ():
            looked = play.visit(_known(deliveries, at), at)
        if play.over:
            return


def _troubled(whole: Truth) -> Sequence[datetime]:
    """While a step hangs that has failed, and some time after it has been done."""
    for failed, closed in sorted(
        (step["first_failed_at"], step["closed_at"])
        for step in whole.told.steps.values()
        if step["required"] and step["failures"] and step["closed_at"]
    ):
        if failed + SHORTLY < closed:
            return failed + SHORTLY, closed + SHORTLY
    return ()


def _passage(whole: Truth, after: datetime, end: datetime) -> Sequence[datetime]:
    """Just before and some time after the first late step that is closed after `after`."""
    for at in sorted(
        step["closed_at"]
        for step in whole.told.steps.values()
        if step["due_at"] and step["closed_at"] and step["due_at"] < step["closed_at"]
    ):
        if after < at - JUST and at + SHORTLY < end:
            return at - JUST, at + SHORTLY
    return ()


def _look(
    deliveries: Sequence[Delivery], after: datetime, late: Sequence[datetime]
) -> tuple[datetime, Truth]:
    """When to look after `after`, and what can be known then: a case's last good instant, if one of
    the next few can be told for such.
    """
    for due in late[:CANDIDATES]:
        truth = _known(deliveries, due)
        silent = silent_systems(truth, due)
        if any(
            case["due_at"] == due and standing(case, due, silent)[1] == "at_risk"
            for case in truth.told.cases.values()
        ):
            return due, truth
    return after, _known(deliveries, after)


def _known(deliveries: Sequence[Delivery], now: datetime) -> Truth:
    return Truth([each for each in deliveries if each.at <= now], _definitions())


def _disordered(deliveries: Sequence[Delivery], order: str) -> list[Delivery]:
    random = Random(len(deliveries))
    sent = [each for each in deliveries for _ in range(random.choice((1, 2, 3)))]
    if order == "shuffled":
        sent = list(deliveries)
    random.shuffle(sent)
    return sent
