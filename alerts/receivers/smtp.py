"""Mail: one message with a text and an HTML part, handed to a mail server."""

from __future__ import annotations

import logging
import smtplib
import socket
import ssl
import unicodedata
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime, parseaddr
from typing import Any, Literal

from alerts.receivers import DELIVERED, Outcome
from alerts.receivers.time_limit import TimeLimit
from threadline.clock import Clock

_log = logging.getLogger(__name__)

Security = Literal["starttls", "tls", "none"]

_CONNECT_SECONDS = 5.0
# A subject that just fits a line of 78 would be folded before its first word, and the line left
# empty is taken for the end of it by some; RFC 5322, 2.1.1 allows 998. What is not ASCII stays at
# 78: its encoded words may not be longer.
_UNFOLDED = SMTP.clone(max_line_length=998)
_LONGEST_SUBJECT = 200  # characters


@dataclass(frozen=True, kw_only=True)
class MailServer:
    """Where mail is handed over. `starttls` and `tls` never fall back to plain text."""

    host: str
    port: int = 587
    security: Security = "starttls"
    user: str = ""
    password: str = field(default="", repr=False)


class Mailer:
    """Sends mail from `sender` through one server; safe to use from several threads.

    Certificates are checked against the authorities of the system, or those of `SSL_CERT_FILE`.
    """

    def __init__(
        self,
        server: MailServer,
        sender: str,
        clock: Clock,
        timeout: timedelta = timedelta(seconds=10),
    ) -> None:
        self._server, self._sender, self._clock, self._timeout = server, sender, clock, timeout

    @property
    def domain(self) -> str:
        """What comes after the @ of the sender: for message ids."""
        return parseaddr(self._sender)[1].rpartition("@")[2] or "threadline.invalid"

    def send(
        self,
        subject: str,
        text: str,
        html: str,
        *,
        to: Sequence[str],
        images: Mapping[str, bytes] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Outcome:
        """Hand one message over for all of `to`.

        `html` shows an image (PNG) as `cid:name`. What fails has a named reason; that some of
        several recipients were refused is logged as a number, and is a delivery all the same.
        """
        server = self._server
        if server.user and server.security == "none":
            return Outcome(delivered=False, reason="a password needs starttls or tls")
        try:
            message = self._message(subject, text, html, to, images or {}, headers or {})
        except (ValueError, UnicodeError):
            return Outcome(delivered=False, reason="bad address or header")
        with TimeLimit(self._timeout) as limit:
            outcome = self._handed_over(message, limit)
        if limit.over and not outcome.delivered:
            return replace(outcome, reason="timeout", retry=True)
        return outcome

    def _message(
        self,
        subject: str,
        text: str,
        html: str,
        to: Sequence[str],
        images: Mapping[str, bytes],
        headers: Mapping[str, str],
    ) -> EmailMessage:
        message = EmailMessage(policy=SMTP if not subject.isascii() else _UNFOLDED)
        message["Subject"] = one_line(subject)
        message["From"] = self._sender
        message["To"] = ", ".join(to)
        message["Date"] = format_datetime(self._clock.now())
        message["Message-ID"] = headers.get("Message-ID", f"<{uuid.uuid4().hex}@{self.domain}>")
        for name, value in headers.items():
            if name != "Message-ID":
                message[name] = value
        message.set_content(text, cte="quoted-printable")
        message.add_alternative(html, subtype="html", cte="quoted-printable")
        page = message.get_payload()[-1]  # type: ignore[index]  # the alternative just added
        for name, png in images.items():
            page.add_related(png, "image", "png", cid=f"<{name}>", disposition="inline")  # type: ignore[union-attr]
        return message

    def _handed_over(self, message: EmailMessage, limit: TimeLimit) -> Outcome:
        context = ssl.create_default_context()
        refused: dict[str, tuple[int, bytes]] | None = None
        session: _Session | None = None
        try:
            with _Session(self._server, self._timeout, context, limit) as session:
                if self._server.security == "starttls":
                    session.starttls(context=context)
                if self._server.user:
                    session.login(self._server.user, self._server.password)
                refused = session.send_message(message)
        except (smtplib.SMTPException, OSError) as error:
            if refused is None:  # else the mail is handed over, and only the farewell failed
                return replace(judge(error), unclear=session is not None and session.unanswered)
        if refused:
            _log.warning("a mail was refused for %d of its recipients", len(refused))
        return DELIVERED


class _Session(smtplib.SMTP):
    """A session whose connection is watched from its first byte on.

    `unanswered`: a message was handed over, and the server has not said what it does with it.
    """

    unanswered = False

    def __init__(
        self, server: MailServer, timeout: timedelta, context: ssl.SSLContext, limit: TimeLimit
    ) -> None:
        self._limit = limit
        self._tls = context if server.security == "tls" else None
        super().__init__(server.host, server.port, timeout=timeout.total_seconds())

    def data(self, msg: Any) -> tuple[int, bytes]:
        self.unanswered = True
        try:
            answer = super().data(msg)
        except smtplib.SMTPResponseException:  # it was not even asked for
            self.unanswered = False
            raise
        self.unanswered = False
        return answer

    def _get_socket(self, host: str, port: int, timeout: float) -> socket.socket:
        # Every address of the host may take so long.
        connection = socket.create_connection((host, port), min(timeout, _CONNECT_SECONDS))
        connection.settimeout(timeout)
        self._limit.watch(connection)
        return self._tls.wrap_socket(connection, server_hostname=host) if self._tls else connection


def judge(error: smtplib.SMTPException | OSError) -> Outcome:
    """What went wrong, and whether another try helps: 4yz replies pass, 5yz stay (RFC 5321, 4.2.1).

    The server's own words stay out of it: they may repeat addresses.
    """
    match error:
        case smtplib.SMTPRecipientsRefused(recipients=refused):
            passing = any(code < 500 for code, _ in refused.values())
            return _failed(
                "recipients deferred" if passing else "recipients refused", retry=passing
            )
        case smtplib.SMTPAuthenticationError(smtp_code=code):
            return _failed(f"login refused: status {code}", retry=code < 500)
        case smtplib.SMTPResponseException(smtp_code=code):
            # smtplib gives -1 where what came is no reply at all.
            return _failed(f"status {code}" if code > 0 else "no SMTP reply", retry=code < 500)
        case smtplib.SMTPNotSupportedError():
            return _failed("the server offers no TLS, no login or no UTF-8 addresses", retry=False)
        case TimeoutError():
            return _failed("timeout", retry=True)
        case ssl.SSLError():
            return _failed("tls", retry=True)
    return _failed("connection", retry=True)


def one_line(text: str) -> str:
    """`text` fit for a header: no line breaks, no control characters, not too long."""
    printable = "".join(
        " " if unicodedata.category(char) in ("Cc", "Cf", "Zl", "Zp") else char for char in text
    )
    line = " ".join(printable.split())
    return line if len(line) <= _LONGEST_SUBJECT else line[: _LONGEST_SUBJECT - 1] + "…"


def _failed(reason: str, *, retry: bool) -> Outcome:
    return Outcome(delivered=False, reason=reason, retry=retry)
