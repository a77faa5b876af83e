"""Mail handed to a real server: over TLS or not, refused or not, and never twice by a trick."""

from __future__ import annotations

import logging
import smtplib
import socket
import ssl
import threading
from datetime import timedelta
from types import SimpleNamespace

import pytest
from control_databases import NOON
from mail_server import PASSWORD, USER, MailServer, mail_server
from tls_pair import self_signed

from alerts.receivers import smtp
from alerts.receivers.smtp import Mailer, judge, one_line
from threadline.clock import FixedClock

PNG = b"\x89PNG\r\n\x1a\n"


def mailer(server: MailServer, **options) -> Mailer:
    where = smtp.MailServer(host=server.host, port=server.port, **({"security": "none"} | options))
    return Mailer(
        where, "Threadline <threadline@example.org>", FixedClock(NOON), timedelta(seconds=5)
    )


def send(through: Mailer, subject: str = "Three are late", **more):
    return through.send(
        subject,
        "Drei sind zu spät.\n",
        '<p>Drei sind zu spät.</p><img src="cid:chart">',
        **({"to": ["duty@example.org"]} | more),
    )


def test_a_mail_has_a_text_an_html_part_and_its_pictures():
    with mail_server() as server:
        outcome = send(mailer(server), images={"chart": PNG}, headers={"X-Kind": "summary"})
    (mail,) = server.mails
    assert outcome.delivered
    assert mail.get_content_type() == "multipart/alternative"
    text, page = mail.iter_parts()
    assert text.get_content().strip() == "Drei sind zu spät."
    assert page.get_content_type() == "multipart/related"
    html, picture = page.iter_parts()
    assert "cid:chart" in html.get_content()
    assert (picture["Content-ID"], picture.get_content()) == ("<chart>", PNG)
    assert mail["Date"].datetime == NOON
    assert mail["X-Kind"] == "summary"
    assert mail["Message-ID"].endswith("@example.org>")


@pytest.mark.parametrize("implicit", [False, True], ids=["starttls", "tls"])
def test_a_mail_goes_over_tls_to_whom_the_password_proves(implicit, tmp_path, monkeypatch, caplog):
    caplog.set_level(logging.DEBUG)
    pair = self_signed(tmp_path)
    monkeypatch.setenv("SSL_CERT_FILE", str(pair.authority))
    security = "tls" if implicit else "starttls"
    with mail_server(pair, implicit=implicit) as server:
        good = send(mailer(server, security=security, user=USER, password=PASSWORD))
        bad = send(mailer(server, security=security, user=USER, password="guessed"))
    assert good.delivered
    assert (bad.reason, bad.retry) == ("login refused: status 535", False)
    assert PASSWORD not in caplog.text + repr(server) + repr(mailer(server, password=PASSWORD))


def test_a_certificate_nobody_vouches_for_gets_no_password(tmp_path):
    with mail_server(self_signed(tmp_path)) as server:
        outcome = send(mailer(server, security="starttls", user=USER, password=PASSWORD))
    assert (outcome.reason, outcome.retry, server.mails) == ("tls", True, [])


def test_a_server_without_tls_gets_neither_password_nor_mail():
    with mail_server() as server:
        outcome = send(mailer(server, security="starttls", user=USER, password=PASSWORD))
        plain = send(mailer(server, security="none", user=USER, password=PASSWORD))
    assert (outcome.delivered, outcome.retry) == (False, False)
    assert "no TLS" in outcome.reason
    assert plain.reason == "a password needs starttls or tls"
    assert server.mails == []


def test_some_refused_recipients_hold_up_nobody_else(caplog):
    with mail_server() as server:
        server.refused = {"gone@example.org": "550 no such user"}
        outcome = send(mailer(server), to=["gone@example.org", "duty@example.org"])
        nobody = send(mailer(server), to=["gone@example.org"])
        server.refused = {"gone@example.org": "450 busy"}
        later = send(mailer(server), to=["gone@example.org"])
    assert outcome.delivered
    assert server.recipients == [["duty@example.org"]]
    assert "1 of its recipients" in caplog.text
    assert (nobody.reason, nobody.retry) == ("recipients refused", False)
    assert (later.reason, later.retry) == ("recipients deferred", True)


@pytest.mark.parametrize(
    ("reply", "retry"), [("451 try later", True), ("552 too large", False), ("554 no", False)]
)
def test_replies_say_whether_to_try_again(reply, retry):
    with mail_server() as server:
        server.replies = [reply]
        outcome = send(mailer(server))
    assert (outcome.reason, outcome.retry) == (f"status {reply[:3]}", retry)


def test_no_server_is_a_connection_to_try_again():
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    outcome = send(mailer(SimpleNamespace(host="127.0.0.1", port=port)))
    assert (outcome.reason, outcome.retry) == ("connection", True)


def test_a_server_that_drips_is_cut_off():
    with socket.create_server(("127.0.0.1", 0)) as listening:
        over = threading.Event()
        threading.Thread(target=_drip, args=(listening, over), daemon=True).start()
        where = smtp.MailServer(host="127.0.0.1", port=listening.getsockname()[1], security="none")
        limited = Mailer(where, "a@example.org", FixedClock(NOON), timedelta(milliseconds=200))
        outcome = send(limited)
        over.set()
    assert (outcome.reason, outcome.retry) == ("timeout", True)


def _drip(listening: socket.socket, over: threading.Event) -> None:
    connection, _ = listening.accept()
    with connection:
        while not over.wait(0.02):
            try:
                connection.send(b"2")
            except OSError:
                return


@pytest.mark.parametrize(
    "subject",
    ["Late\r\nBcc: everyone@example.org", "Late\n\nBcc: x", "Late\u2028Bcc: x", "Late\x00\x85"],
)
def test_a_subject_stays_one_line(subject):
    with mail_server() as server:
        assert send(mailer(server), subject).delivered
    (mail,) = server.mails
    assert mail["Subject"].startswith("Late")
    assert "Bcc" not in mail
    assert server.recipients == [["duty@example.org"]]


def test_no_line_of_a_subject_is_empty():
    with mail_server() as server:
        for length in range(60, 90):
            assert send(mailer(server), ("Breach: C-1 is late " * 9)[:length].strip()).delivered
    assert all(mail["Subject"].startswith("Breach: C-1") for mail in server.mails)


def test_an_address_or_header_with_a_line_break_is_refused():
    with mail_server() as server:
        for more in (
            {"to": ["duty@example.org\r\nBcc: everyone@example.org"]},
            {"headers": {"X-A": "b\r\nBcc: everyone@example.org"}},
        ):
            assert send(mailer(server), **more).reason == "bad address or header"
    assert server.mails == []


def test_a_long_subject_is_cut_where_one_sees_it():
    assert one_line("x" * 300) == "x" * 199 + "…"


def test_every_other_error_has_a_name():
    unheard = smtplib.SMTPConnectError(-1, "garbage")
    assert judge(unheard).reason == "no SMTP reply"
    assert judge(ssl.SSLError("s3cret")).reason == "tls"
    assert judge(TimeoutError()).reason == "timeout"
    assert judge(smtplib.SMTPServerDisconnected("s3cret")).reason == "connection"


def test_a_line_that_breaks_once_the_mail_was_taken_leaves_it_unclear():
    async def taken_and_gone(server, _session, _envelope):
        server.transport.abort()
        return "250 OK"

    with mail_server() as server:
        server.handle_DATA = taken_and_gone
        outcome = send(mailer(server))

    assert (outcome.delivered, outcome.unclear) == (False, True)


@pytest.mark.parametrize("reply", ["451 later", "550 never"])
def test_a_mail_that_was_refused_is_clear(reply):
    with mail_server() as server:
        server.replies = [reply]
        outcome = send(mailer(server))

    assert not outcome.unclear
