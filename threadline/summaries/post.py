"""The mail server of the settings, as summaries use it."""

from __future__ import annotations

from datetime import timedelta

from alerts.receivers.smtp import Mailer, MailServer
from threadline.clock import Clock
from threadline.mail_sections import SmtpSettings

PATIENCE = timedelta(minutes=1)  # for a letter with its pictures, over a slow line


def mailer(settings: SmtpSettings, clock: Clock) -> Mailer | None:
    """What sends through that server; None where none is set."""
    if not settings.host:
        return None
    server = MailServer(
        host=settings.host,
        port=settings.port,
        security=settings.security,
        user=settings.user,
        password=settings.password.get_secret_value(),
    )
    return Mailer(server, settings.sender, clock, PATIENCE)
