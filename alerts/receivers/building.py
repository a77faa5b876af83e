"""From what is declared to something that delivers."""

from __future__ import annotations

from alerts.receivers import Receiver
from alerts.receivers.declared import ReceiverDefinition
from alerts.receivers.log import LogReceiver
from alerts.receivers.options import LogOptions, WebhookOptions
from alerts.receivers.webhook import WebhookReceiver


def build(definition: ReceiverDefinition) -> Receiver:
    """The receiver of `definition`; the caller closes it."""
    match definition.options:
        case LogOptions():
            return LogReceiver()
        case WebhookOptions() as options:
            return WebhookReceiver(options.url, definition.timeout)
