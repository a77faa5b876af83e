"""Links that let whoever holds one acknowledge one incident, until they expire.

A link is `{what it permits}.{signature}`: HMAC-SHA256 (RFC 2104) with a key that only the services
know. It is a permission of its own, so it names no more than it permits: one incident in one
episode, in the name of the receiver it was sent to.
"""

from __future__ import annotations

import binascii
import hashlib
import hmac
import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from threadline.access.pace import Pace
from threadline.clock import Clock
from threadline.errors import ThreadlineError

PATH = "/a/"
LONGEST = 4_096  # characters of a link; no one of ours comes near
# A form is sent from a page somebody has just looked at, not from one found in an old tab.
FORM_LIFETIME = timedelta(hours=1)
_PER_SECOND = 5.0  # of one link's incident and receiver; and of all that is forged together
_LINK, _FORM = b"threadline link 1\n", b"threadline form 1\n"


class LinkForged(ThreadlineError):
    """Nobody here has signed this."""


class LinkExpired(ThreadlineError):
    """It was ours, and its time is over."""


@dataclass(frozen=True, kw_only=True)
class Permit:
    """Acknowledge `incident` in its `episode` in the name of `receiver`, before `expires_at`."""

    incident: str
    episode: int
    receiver: str
    expires_at: datetime


class AcknowledgeLinks:
    """Signs links and judges them; safe from any thread."""

    def __init__(self, key: bytes, clock: Clock, *, address: str, lifetime: timedelta) -> None:
        """`address` is where people reach the API, without a slash at the end."""
        self._key, self._clock = key, clock
        self._address, self._lifetime = address, lifetime
        self._pace = Pace(_PER_SECOND, clock)

    def to(self, incident: str, episode: int, receiver: str) -> str:
        """The address to send to `receiver`; it holds for `lifetime` from now on."""
        expires = int((self._clock.now() + self._lifetime).timestamp())
        told = json.dumps([incident, episode, receiver, expires], separators=(",", ":"))
        return f"{self._address}{PATH}{self._signed(_LINK, told.encode())}"

    def read(self, token: str) -> Permit:
        """What the end of an address permits. Raises `LinkForged`, `LinkExpired`, `TooOften`."""
        try:
            told = self._opened(_LINK, token)
        except LinkForged:
            self._pace.take("")
            raise
        incident, episode, receiver, expires = json.loads(told)
        self._pace.take(f"{incident} {receiver}")
        expires_at = datetime.fromtimestamp(expires, UTC)
        if self._clock.now() >= expires_at:
            raise LinkExpired(expires_at.isoformat())
        return Permit(incident=incident, episode=episode, receiver=receiver, expires_at=expires_at)

    def form(self, token: str) -> str:
        """What the form on the page of `token` has to bring back: no other page knows it."""
        until = int((self._clock.now() + FORM_LIFETIME).timestamp())
        return self._signed(_FORM, json.dumps([until, _digest(token)]).encode())

    def require_form(self, token: str, form: str) -> None:
        """Raise `LinkForged` unless `form` was given for `token`, `LinkExpired` if long ago."""
        until, digest = json.loads(self._opened(_FORM, form))
        if digest != _digest(token):
            raise LinkForged("the form belongs to another link")
        if self._clock.now().timestamp() >= until:
            raise LinkExpired("the form was opened too long ago")

    def _signed(self, purpose: bytes, told: bytes) -> str:
        return f"{_text(told)}.{_text(self._signature(purpose, told))}"

    def _opened(self, purpose: bytes, token: str) -> bytes:
        body = token.partition(".")[0]
        try:
            told = _bytes(body) if len(token) <= LONGEST else b""
        except (binascii.Error, UnicodeEncodeError):
            told = b""
        # The whole text: several texts of base64 stand for the same bytes, one of them is ours.
        if not hmac.compare_digest(self._signed(purpose, told).encode(), token.encode()):
            raise LinkForged("the signature does not fit")
        return told

    def _signature(self, purpose: bytes, told: bytes) -> bytes:
        return hmac.new(self._key, purpose + told, hashlib.sha256).digest()


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()


def _text(raw: bytes) -> str:
    return urlsafe_b64encode(raw).rstrip(b"=").decode()


def _bytes(text: str) -> bytes:
    return urlsafe_b64decode(text.encode("ascii") + b"=" * (-len(text) % 4))
