"""What each type of receiver is told about where it goes; secrets never show in a repr."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from alerts.receivers.smtp import MailServer, Security


@dataclass(frozen=True, kw_only=True)
class LogOptions:
    """The service's own log needs nothing."""


@dataclass(frozen=True, kw_only=True)
class WebhookOptions:
    """`url` takes POSTs; its path and query may be secret. Each `secret` signs."""

    url: str = field(repr=False)
    secret: str | tuple[str, ...] = field(default=(), repr=False)


@dataclass(frozen=True, kw_only=True)
class AlertmanagerOptions:
    """The peers of one cluster."""

    urls: tuple[str, ...] = field(repr=False)


@dataclass(frozen=True, kw_only=True)
class PagerDutyOptions:
    """`routing_key` is the integration key of a service."""

    routing_key: str = field(repr=False)
    url: str = field(default="https://events.pagerduty.com/v2/enqueue", repr=False)


@dataclass(frozen=True, kw_only=True)
class OpsgenieOptions:
    """`api_key` is that of an API integration; `teams` respond."""

    api_key: str = field(repr=False)
    url: str = field(default="https://api.opsgenie.com", repr=False)
    teams: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class ServiceNowOptions:
    """An instance and a user of it; `fields` go into every record, `resolve` says what ends one."""

    url: str = field(repr=False)
    user: str
    password: str = field(repr=False)
    table: str = "incident"
    fields: Mapping[str, str] = field(default_factory=dict)
    # State 6 is `Resolved` as shipped.
    resolve: Mapping[str, str] = field(
        default_factory=lambda: {"state": "6", "close_code": "Solution provided"}
    )


@dataclass(frozen=True, kw_only=True)
class JiraOptions:
    """A site and a project; without `user`, `token` is a personal one of Data Center."""

    url: str = field(repr=False)
    token: str = field(repr=False)
    project: str
    user: str = ""
    issue_type: str = "Task"
    resolve_transition: str = ""
    fields: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class SlackOptions:
    """`url` is that of an incoming webhook, or with a bot's `token` that of chat.postMessage."""

    url: str = field(default="https://slack.com/api/chat.postMessage", repr=False)
    token: str = field(default="", repr=False)
    channel: str = ""


@dataclass(frozen=True, kw_only=True)
class TeamsOptions:
    """The webhook of a Workflow that posts to a channel or chat."""

    url: str = field(repr=False)


@dataclass(frozen=True, kw_only=True)
class MailOptions:
    """A mail server, whom mail is from, and `to` whom it goes."""

    host: str
    sender: str
    to: tuple[str, ...]
    port: int = 587
    security: Security = "starttls"
    user: str = ""
    password: str = field(default="", repr=False)

    @property
    def server(self) -> MailServer:
        """Where mail is handed over."""
        return MailServer(
            host=self.host,
            port=self.port,
            security=self.security,
            user=self.user,
            password=self.password,
        )


@dataclass(frozen=True, kw_only=True)
class AppriseOptions:
    """Any URL that Apprise knows; all of it may be secret."""

    url: str = field(repr=False)


Options = (
    LogOptions
    | WebhookOptions
    | AlertmanagerOptions
    | PagerDutyOptions
    | OpsgenieOptions
    | ServiceNowOptions
    | JiraOptions
    | SlackOptions
    | TeamsOptions
    | MailOptions
    | AppriseOptions
)

# The other side has an alert or a ticket for each incident, which a message about several is not.
KEEP_INCIDENTS = (
    AlertmanagerOptions,
    PagerDutyOptions,
    OpsgenieOptions,
    ServiceNowOptions,
    JiraOptions,
)

BY_TYPE: dict[str, type[Options]] = {
    "log": LogOptions,
    "webhook": WebhookOptions,
    "alertmanager": AlertmanagerOptions,
    "pagerduty": PagerDutyOptions,
    "opsgenie": OpsgenieOptions,
    "servicenow": ServiceNowOptions,
    "jira": JiraOptions,
    "slack": SlackOptions,
    "teams": TeamsOptions,
    "email": MailOptions,
    "apprise": AppriseOptions,
}
