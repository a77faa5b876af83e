"""A summary to its end: asked for over the API or by the command, or due, and over real SMTP."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import httpx
import pytest
from handmade_rows import NOW
from handmade_services import served
from mail_server import MailServer
from prometheus_client import CollectorRegistry

from threadline.api import ApiServices, create_api
from threadline.cli import main
from threadline.clock import Clock, FixedClock
from threadline.mail_sections import SmtpSettings, SummarySettings
from threadline.model.people import Principal, Role
from threadline.settings import ControlSettings
from threadline.store.control import ControlStore
from threadline.summaries.post import mailer
from threadline.summaries.service import Summaries
from threadline.summaries.writing import Office

BOARD = SummarySettings(name="board", window="last-30-days", to=("cfo@example.com",))


@pytest.fixture
def api(world: ApiServices, tmp_path: Path, post: MailServer) -> Iterator[str]:
    """One summary is set up; its address."""
    smtp = SmtpSettings(host="127.0.0.1", port=post.port, security="none", sender="t@example.com")
    yield from _served(world, tmp_path, smtp)


@pytest.fixture
def mute(world: ApiServices, tmp_path: Path) -> Iterator[str]:
    """The same without a mail server."""
    yield from _served(world, tmp_path, SmtpSettings())


def _served(world: ApiServices, directory: Path, smtp: SmtpSettings) -> Iterator[str]:
    with (
        _summaries(BOARD, smtp, directory, world.clock) as summaries,
        served(create_api(replace(world, summaries=summaries))) as url,
    ):
        yield url


@contextmanager
def _summaries(
    summary: SummarySettings, smtp: SmtpSettings, directory: Path, clock: Clock
) -> Iterator[Summaries]:
    control = ControlStore.open(ControlSettings(path=directory / "c.sqlite"), clock)
    control.migrate()
    yield Summaries(
        [summary],
        mailer(smtp, clock),
        Office(dashboards="https://threadline.example", contact=smtp.sender, clock="UTC"),
        watermarks=control.watermarks,
        audit=control.audit,
        clock=clock,
        registry=CollectorRegistry(),
    )
    control.close()


def test_a_summary_is_shown_without_being_sent(api, post):
    told = httpx.get(f"{api}/api/v1/summaries/board", timeout=60).json()

    assert told["to"] == ["cfo@example.com"]
    assert told["subject"] in told["html"]
    assert post.mails == []


def test_one_that_is_sent_arrives_whole_and_is_in_the_delivery_log(api, post, capsys):
    assert main(["summary", "--send", "--api", api]) == 0

    (mail,) = post.mails
    assert mail["From"] == "t@example.com"
    assert mail.get_body(("plain",)).get_content().count("CONTRACTS MOST AT RISK") == 1
    assert "Contracts most at risk" in mail.get_body(("html",)).get_content()
    pictures = [part for part in mail.walk() if part.get_content_type() == "image/png"]
    assert [part["Content-ID"] for part in pictures] == ["<chart-1>", "<chart-2>", "<chart-3>"]
    (row,) = httpx.get(f"{api}/api/v1/summaries").json()["items"]
    assert row["next_at"] == "2026-03-23T07:00:00Z"
    assert [(one["outcome"], one["who"]) for one in row["deliveries"]] == [
        ("sent", "anonymous@loopback")
    ]


def test_the_command_prints_it_or_writes_it_for_a_browser(api, tmp_path, capsys):
    assert main(["summary", "--api", api]) == 0
    printed = capsys.readouterr().out
    assert (
        main(["summary", "--name", "board", "--out", str(tmp_path / "s.html"), "--api", api]) == 0
    )

    assert printed.startswith("To: cfo@example.com\nSubject: ")
    assert "data:image/png;base64," in (tmp_path / "s.html").read_text()


def test_an_unknown_name_and_a_missing_server_are_said_with_the_remedy(mute, capsys):
    assert main(["summary", "--name", "bored", "--api", mute]) == 1
    assert main(["summary", "--send", "--api", mute]) == 1

    said = capsys.readouterr().err
    assert "no summary is known as 'bored'" in " ".join(said.split())
    assert "smtp.host" in said
    (row,) = httpx.get(f"{mute}/api/v1/summaries").json()["items"]
    assert row["next_at"] is None


def test_one_that_is_due_is_written_for_an_executive_whoever_the_service_is(world, tmp_path, post):
    smtp = SmtpSettings(host="127.0.0.1", port=post.port, security="none", sender="t@example.com")
    clock = FixedClock(NOW - timedelta(days=1))
    everything = Principal(who="threadline", roles=frozenset[Role]({"admin"}))
    redact = {"executive": ("message", "region", "contract.region")}
    services = replace(world, clock=clock, asker=everything, redact=redact)

    with _summaries(
        BOARD.model_copy(update={"every": "daily"}), smtp, tmp_path, clock
    ) as summaries:
        for now in (clock.now(), NOW):
            clock.move_to(now)
            summaries.turn(services)
        asked_for = summaries.letter(services, "board").text

    (mail,) = post.mails
    sent = mail.get_body(("plain",)).get_content()
    assert "Cost centre 4711 is closed" in asked_for
    assert "CONTRACTS MOST AT RISK" in sent
    assert "Cost centre 4711 is closed" not in mail.as_string()
