"""Sections of the settings about mail: the server it goes through, and the summaries it carries."""

from __future__ import annotations

from email.errors import HeaderParseError
from email.headerregistry import Address
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, Field, SecretStr, field_validator, model_validator

from threadline.networks import is_loopback
from threadline.sections import Section

Every = Literal["daily", "weekly", "monthly"]
Weekday = Literal["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"]


def _mailbox(text: str) -> str:
    try:
        found = Address(addr_spec=text)
    except (HeaderParseError, ValueError, IndexError) as error:
        raise ValueError(f"{text!r} is not a mail address such as cfo@example.com") from error
    if not found.username or not found.domain or not text.isprintable() or not text.isascii():
        raise ValueError(f"{text!r} is not a mail address such as cfo@example.com")
    return text


Mailbox = Annotated[str, AfterValidator(_mailbox)]


class SmtpSettings(Section):
    """The mail server that summaries go through."""

    host: str = ""  # none: no summary is sent
    port: int = Field(587, ge=1, le=65535)
    security: Literal["starttls", "tls", "none"] = "starttls"  # none: on loopback only
    user: str = ""  # none: the server asks for no login
    password: SecretStr = SecretStr("")
    sender: str = ""  # the address that mail comes from

    @field_validator("sender")
    @classmethod
    def _address(cls, sender: str) -> str:
        return _mailbox(sender) if sender else sender

    @model_validator(mode="after")
    def _guarded(self) -> Self:
        if self.host and self.security == "none" and not is_loopback(self.host):
            raise ValueError("security: none is for a server on loopback; say starttls or tls")
        if self.host and not self.sender:
            raise ValueError("a host needs sender: the address that mail comes from")
        return self


class SummarySettings(Section):
    """One executive summary: when it is due in the firm's zone, about what, and who gets it."""

    name: str = Field(pattern=r"^[a-z0-9][a-z0-9-]{0,39}$")
    every: Every = "weekly"
    weekday: Weekday = "monday"  # of a weekly one
    day: int = Field(1, ge=1, le=28)  # of a monthly one
    at: str = Field("07:00", pattern=r"^([01]\d|2[0-3]):[0-5]\d$")  # in `reporting.zone`
    to: tuple[Mailbox, ...] = Field(min_length=1)
    window: str = ""  # as the API names it; none: last-day, last-week or last-month
    journey: str = ""  # none: all
    contact: str = ""  # who takes an address off the list; none: `smtp.sender`

    @field_validator("at", mode="before")
    @classmethod
    def _minutes(cls, at: Any) -> Any:
        """YAML reads an unquoted 18:30 as so many minutes."""
        return f"{at // 60:02}:{at % 60:02}" if isinstance(at, int) else at

    @field_validator("contact")
    @classmethod
    def _reachable(cls, contact: str) -> str:
        return _mailbox(contact) if contact else contact

    @property
    def covers(self) -> str:
        """The window by its name in the API."""
        return self.window or {"daily": "last-day", "weekly": "last-week"}.get(
            self.every, "last-month"
        )
