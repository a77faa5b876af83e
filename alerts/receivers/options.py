"""What each type of receiver is told about where it goes; secrets never show in a repr."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True, kw_only=True)
class LogOptions:
    """The service's own log needs nothing."""


@dataclass(frozen=True, kw_only=True)
class WebhookOptions:
    """`url` takes POSTs; its path and query may be secret."""

    url: str = field(repr=False)


Options = LogOptions | WebhookOptions

BY_TYPE: dict[str, type[Options]] = {"log": LogOptions, "webhook": WebhookOptions}
