"""From what is declared to something that delivers."""

from __future__ import annotations

from alerts.receivers import Receiver
from alerts.receivers.alertmanager import AlertmanagerReceiver
from alerts.receivers.declared import ReceiverDefinition
from alerts.receivers.http import HttpClient
from alerts.receivers.jira import JiraReceiver
from alerts.receivers.log import LogReceiver
from alerts.receivers.mail import MailReceiver
from alerts.receivers.opsgenie import OpsgenieReceiver
from alerts.receivers.options import (
    AlertmanagerOptions,
    AppriseOptions,
    JiraOptions,
    LogOptions,
    MailOptions,
    OpsgenieOptions,
    PagerDutyOptions,
    ServiceNowOptions,
    SlackOptions,
    TeamsOptions,
    WebhookOptions,
)
from alerts.receivers.pagerduty import PagerDutyReceiver
from alerts.receivers.servicenow import ServiceNowReceiver
from alerts.receivers.slack import SlackReceiver
from alerts.receivers.smtp import Mailer
from alerts.receivers.teams import TeamsReceiver
from alerts.receivers.webhook import WebhookReceiver
from threadline.clock import Clock


def build(definition: ReceiverDefinition, clock: Clock) -> Receiver:
    """The receiver of `definition`; the caller closes it."""
    match definition.options:
        case LogOptions():
            return LogReceiver()
        case MailOptions() as mail:
            return MailReceiver(mail, Mailer(mail.server, mail.sender, clock, definition.timeout))
        case AppriseOptions() as url:
            # Its hundred services take a second to import; most deployments need none.
            from alerts.receivers.apprise_urls import AppriseReceiver

            return AppriseReceiver(url, definition.timeout)
    return _over_http(definition, clock)


def _over_http(definition: ReceiverDefinition, clock: Clock) -> Receiver:
    if isinstance(definition.options, AlertmanagerOptions):
        each = HttpClient(definition.timeout / len(definition.options.urls), clock)
        return AlertmanagerReceiver(definition.options, each, clock)
    http = HttpClient(definition.timeout, clock)
    match definition.options:
        case WebhookOptions() as webhook:
            return WebhookReceiver(webhook, http, clock)
        case PagerDutyOptions() as pagerduty:
            return PagerDutyReceiver(pagerduty, http)
        case OpsgenieOptions() as opsgenie:
            return OpsgenieReceiver(opsgenie, http)
        case ServiceNowOptions() as servicenow:
            return ServiceNowReceiver(servicenow, http)
        case JiraOptions() as jira:
            return JiraReceiver(jira, http)
        case SlackOptions() as slack:
            return SlackReceiver(slack, http)
        case TeamsOptions() as teams:
            return TeamsReceiver(teams, http, clock)
    raise TypeError(f"no receiver is built from {type(definition.options).__name__}")
