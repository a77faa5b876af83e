"""How a letter leaves: whatever can send mail, and what it says of how that went."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, kw_only=True)
class Sent:
    """How it went: `reason` is empty when the server took it.

    `unclear`: the line broke after the letter was handed over, so it may have gone out.
    """

    reason: str = ""
    unclear: bool = False


class Post(Protocol):
    """Sends one letter to all of `to`; never raises for what a mail server does."""

    def __call__(
        self,
        *,
        subject: str,
        text: str,
        html: str,
        images: Mapping[str, bytes],
        to: Sequence[str],
        headers: Mapping[str, str],
    ) -> Sent: ...
