"""A summary is sent when it is due, once for each period, whatever fails and whoever else sends."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import pytest
from mail_server import MailServer
from prometheus_client import CollectorRegistry

from threadline.clock import FixedClock
from threadline.errors import SettingsError, TelemetryUnavailable
from threadline.mail_sections import SmtpSettings, SummarySettings
from threadline.store.control import ControlStore
from threadline.summaries.letter import Letter
from threadline.summaries.post import mailer
from threadline.summaries.service import Summaries
from threadline.summaries.writing import Office

MONDAY = datetime(2026, 3, 2, 7, tzinfo=UTC)  # when the weekly one is due
WEEKLY = SummarySettings(name="board", to=("cfo@example.com", "ceo@example.com"))
LETTER = Letter(subject="3 of 12 KPIs off target", text="t", html="<p>h</p>", images={})


@dataclass(frozen=True, kw_only=True)
class Writer(Office):
    """Writes the same letter each time; before that whatever happens meanwhile."""

    dashboards: str = "https://threadline.example"
    contact: str = "reports@example.com"
    clock: str = "UTC"
    meanwhile: list[Callable[[], object]] = field(default_factory=list)

    def write(self, *_: object) -> Letter:
        if self.meanwhile:
            self.meanwhile.pop()()
        return LETTER


@dataclass(kw_only=True)
class Firm:
    """What one process needs to send summaries."""

    control: ControlStore
    clock: FixedClock
    post: MailServer

    def process(
        self, *meanwhile: Callable[[], object], registry: CollectorRegistry | None = None
    ) -> Summaries:
        smtp = SmtpSettings(
            host="127.0.0.1", port=self.post.port, security="none", sender="t@example.com"
        )
        return Summaries(
            [WEEKLY],
            mailer(smtp, self.clock),
            Writer(meanwhile=list(meanwhile)),
            watermarks=self.control.watermarks,
            audit=self.control.audit,
            clock=self.clock,
            registry=registry or CollectorRegistry(),
        )

    def at(self, process: Summaries, **since_due: float) -> None:
        self.clock.move_to(MONDAY + timedelta(**since_due))
        process.turn(Index())

    def outcomes(self) -> list[str]:
        """Newest first."""
        return [each.outcome for row in self.process().rows() for each in row.deliveries]


@dataclass
class Index:
    """The API's services, of which a summary that is not written needs no more."""

    asker: object = None
    rebuilding: Callable[[], str] = lambda: ""


@pytest.fixture
def firm(control: ControlStore, clock: FixedClock, post: MailServer) -> Firm:
    """It knows its summary since the Sunday before."""
    known = Firm(control=control, clock=clock, post=post)
    known.at(known.process(), days=-1)
    return known


def test_it_is_sent_to_all_when_it_is_due_and_not_again(firm, post):
    process = firm.process()

    firm.at(process, seconds=-1)
    before = len(post.mails)
    for minutes in (0, 1, 30, 60 * 24):
        firm.at(process, minutes=minutes)

    assert (before, post.recipients) == (0, [list(WEEKLY.to)])
    assert post.mails[0]["Subject"] == LETTER.subject
    assert post.mails[0]["List-Unsubscribe"] == "<mailto:reports@example.com?subject=unsubscribe>"
    firm.at(process, days=7)
    assert len(post.mails) == 2


def test_two_processes_send_one(firm, post):
    processes = [firm.process(), firm.process()]

    for minutes in (0, 1, 3, 10, 70):
        for process in processes:
            firm.at(process, minutes=minutes)

    assert len(post.mails) == 1


def test_of_processes_that_look_at_the_very_same_time_one_sends(firm, post):
    processes = [firm.process() for _ in range(4)]
    firm.clock.move_to(MONDAY)

    with ThreadPoolExecutor(len(processes)) as at_once:
        list(at_once.map(lambda process: process.turn(Index()), processes))

    assert len(post.mails) == 1


def test_who_took_too_long_to_write_it_leaves_it_to_whom_took_over(firm, post):
    other = firm.process()
    slow = firm.process(lambda: firm.at(other, minutes=5))

    firm.at(slow, minutes=0)

    assert len(post.mails) == 1
    assert firm.outcomes() == ["sent"]


def test_a_restart_sends_what_was_missed_and_not_what_was_sent(firm, post):
    firm.at(firm.process(), hours=30)
    firm.at(firm.process(), hours=31)

    assert len(post.mails) == 1


def test_what_is_half_a_week_late_is_given_up_and_said_so(firm, post):
    firm.at(firm.process(), days=4)
    firm.at(firm.process(), days=5)

    assert post.mails == []
    assert firm.outcomes() == ["given-up"]


def test_a_summary_that_is_set_up_today_tells_nothing_of_last_week(control, clock, post):
    firm = Firm(control=control, clock=clock, post=post)

    firm.at(firm.process(), hours=5)
    firm.at(firm.process(), hours=6)

    assert post.mails == []


def test_a_server_that_refuses_is_asked_again_ever_later(firm, post):
    post.replies = ["451 later"] * 3
    process = firm.process()

    for minutes in (0, 1, 2, 3, 4, 5, 8, 9):
        firm.at(process, minutes=minutes)

    assert len(post.mails) == 1
    assert firm.outcomes() == ["sent", "delayed", "delayed", "delayed"]
    reasons = [each.reason for each in process.rows()[0].deliveries]
    assert reasons == ["", "status 451", "status 451", "status 451"]


def test_every_attempt_bears_the_same_number(firm, post):
    process = firm.process()
    firm.at(process, minutes=0)
    firm.control.watermarks.exchange("summary.board.settled", MONDAY, MONDAY - timedelta(days=1))
    firm.control.watermarks.exchange(
        "summary.board.handed", MONDAY, datetime(1970, 1, 1, tzinfo=UTC)
    )
    firm.at(process, hours=2)

    assert [mail["Message-ID"] for mail in post.mails] == [
        "<summary.board.20260302T0700@example.com>"
    ] * 2


def test_a_line_that_breaks_after_the_letter_was_taken_sends_no_second_one(firm, post):
    taken = []

    async def taken_and_gone(server, _session, envelope):
        taken.append(envelope.content)
        server.transport.abort()
        return "250 OK"

    post.handle_DATA = taken_and_gone
    process = firm.process()
    for minutes in (0, 5, 60):
        firm.at(process, minutes=minutes)

    assert len(taken) == 1
    assert firm.outcomes() == ["unclear"]


def test_a_crash_while_the_server_has_it_sends_no_second_one(firm, post):
    class Crash(BaseException):
        pass

    def crash(*_, **__):
        raise Crash

    process = firm.process()
    process._sending._mailer.send = crash
    with pytest.raises(Crash):
        firm.at(process, minutes=0)

    firm.at(firm.process(), minutes=5)
    during = firm.outcomes()
    firm.at(firm.process(), minutes=11)

    assert (during, firm.outcomes(), post.mails) == ([], ["unclear"], [])


def test_a_crash_before_it_was_handed_over_loses_nothing(firm, post):
    def crash():
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        firm.at(firm.process(crash), minutes=0)

    firm.at(firm.process(), minutes=5)

    assert len(post.mails) == 1


def test_figures_that_do_not_answer_are_asked_again(firm, post):
    def away():
        raise TelemetryUnavailable("the index does not answer.")

    process = firm.process(away)
    firm.at(process, minutes=0)
    firm.at(process, minutes=3)

    assert firm.outcomes() == ["sent", "delayed"]


def test_nothing_is_told_from_half_an_index(firm, post):
    process = firm.process()
    firm.clock.move_to(MONDAY)

    process.turn(Index(rebuilding=lambda: "the index would not open"))
    waiting = len(post.mails)
    firm.at(process, minutes=1)

    assert (waiting, len(post.mails)) == (0, 1)


def test_one_that_a_person_sends_is_beside_the_schedule_and_recorded(firm, post, control):
    firm.clock.move_to(MONDAY - timedelta(hours=1))
    process = firm.process()

    went = process.send(Index(), "board", "billing-primary")
    firm.at(process, minutes=0)

    assert (went.outcome, len(post.mails)) == ("sent", 2)
    assert [one.who for one in control.audit.latest(2)] == ["threadline", "billing-primary"]


def test_how_it_went_is_counted(firm, post):
    post.replies = ["451 later"]
    registry = CollectorRegistry()
    process = firm.process(registry=registry)

    firm.at(process, minutes=0)
    firm.at(process, minutes=2)

    for outcome in ("delayed", "sent"):
        told = {"summary": "board", "outcome": outcome}
        assert registry.get_sample_value("threadline_summaries_total", told) == 1


def test_a_window_that_there_is_not_is_said_at_start(control, clock):
    odd = SummarySettings(name="odd", to=("cfo@example.com",), window="next-week")

    with pytest.raises(SettingsError, match="summaries, odd: window: 'next-week'"):
        Summaries(
            [odd],
            None,
            Writer(),
            watermarks=control.watermarks,
            audit=control.audit,
            clock=clock,
            registry=CollectorRegistry(),
        )
