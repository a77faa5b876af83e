"""A real SMTP server on loopback that keeps what it is given."""

from __future__ import annotations

import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult, Envelope, LoginPassword

from threadline.sections import TlsSettings

USER, PASSWORD = "threadline", "s3cret-password"


class _AnyPort(Controller):
    """One that asks the system for a free port, and then goes by that."""

    def _trigger_server(self) -> None:
        self.port = self.server.sockets[0].getsockname()[1]
        super()._trigger_server()


class MailServer:
    """`mails` as they came; `replies` answer the next mails instead of 250."""

    def __init__(self) -> None:
        self.host, self.port = "localhost", 0
        self.mails: list[EmailMessage] = []
        self.recipients: list[list[str]] = []
        self.replies: list[str] = []
        self.refused: dict[str, str] = {}

    async def handle_RCPT(  # noqa: N802  aiosmtpd names it
        self, _server: Any, _session: Any, envelope: Envelope, address: str, _options: Any
    ) -> str:
        if address in self.refused:
            return self.refused[address]
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(  # noqa: N802  aiosmtpd names it
        self, _server: Any, _session: Any, envelope: Envelope
    ) -> str:
        if self.replies:
            return self.replies.pop(0)
        self.recipients.append(list(envelope.rcpt_tos))
        self.mails.append(message_from_bytes(envelope.content, policy=default))
        return "250 OK"


@contextmanager
def mail_server(tls: TlsSettings | None = None, *, implicit: bool = False) -> Iterator[MailServer]:
    """Plain without `tls`; else STARTTLS and login are required, or TLS from the start."""
    server = MailServer()
    context = None
    if tls is not None:
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(str(tls.certificate), str(tls.key))
    how: dict[str, Any] = {}
    if context is not None:
        how = {
            "auth_required": True,
            "authenticator": _authenticated,
            "auth_require_tls": not implicit,
        }
        how |= (
            {"ssl_context": context}
            if implicit
            else {"tls_context": context, "require_starttls": True}
        )
    controller = _AnyPort(server, hostname="127.0.0.1", port=0, **how)
    controller.start()
    server.port = controller.port
    try:
        yield server
    finally:
        controller.stop(no_assert=True)


def _authenticated(_server: Any, _session: Any, _envelope: Any, _how: str, data: Any) -> AuthResult:
    known = isinstance(data, LoginPassword) and (data.login, data.password) == (
        USER.encode(),
        PASSWORD.encode(),
    )
    return AuthResult(success=known, handled=False)
