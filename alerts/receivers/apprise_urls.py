"""Any service Apprise knows, by its URL. Source: github.com/caronc/apprise."""

from __future__ import annotations

import logging
from datetime import timedelta

import apprise

from alerts.receivers import DELIVERED, Outcome
from alerts.receivers.options import AppriseOptions
from alerts.receivers.wording import message
from threadline.model.incidents import Notification

_TYPES = {
    "warning": apprise.NotifyType.WARNING,
    "breach": apprise.NotifyType.FAILURE,
    "failure": apprise.NotifyType.FAILURE,
}

# What it logs repeats addresses, answers and parts of URLs; so do the libraries it asks through.
logging.getLogger("apprise").addFilter(lambda _: False)
for _library in ("urllib3", "requests"):
    logging.getLogger(_library).setLevel(logging.WARNING)


class AppriseReceiver:
    """Apprise says whether it went well and not why, so every failure is worth another try.

    Each notification is sent by a sender of its own: one that is kept sleeps between messages.
    """

    def __init__(self, options: AppriseOptions, timeout: timedelta) -> None:
        self._url, self._timeout = options.url, timeout

    def deliver(self, notification: Notification) -> Outcome:
        sender = apprise.Apprise(asset=_asset())
        if not sender.add(self._url):
            return Outcome(delivered=False, reason="bad configuration: no URL that Apprise knows")
        payload = notification.payload
        said = message(payload)
        over = payload["kind"] in ("resolved", "test")
        result = sender.notify(
            title=said.headline,
            body=said.text(),
            body_format=apprise.NotifyFormat.TEXT,
            notify_type=apprise.NotifyType.SUCCESS if over else _TYPES[payload["severity"]],
            timeout=self._timeout.total_seconds(),
        )
        if result:
            return DELIVERED
        late = result.status == apprise.AppriseResultStatus.TIMEOUT
        return Outcome(delivered=False, reason="timeout" if late else "Apprise failed", retry=True)

    def close(self) -> None:
        """Nothing is held."""


def known(url: str) -> bool:
    """Whether Apprise knows what to do with `url`; nobody is asked anything."""
    return apprise.Apprise.instantiate(url, asset=_asset(), suppress_exceptions=True) is not None


def _asset() -> apprise.AppriseAsset:
    return apprise.AppriseAsset(
        app_id="Threadline",
        app_desc="Threadline",
        async_mode=False,
        http_redirects=False,
        secure_logging=True,
        storage_mode=apprise.PersistentStoreMode.MEMORY,
    )
