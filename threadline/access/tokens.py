"""Machines' tokens: `tl_<id>_<secret>`, known here only by the SHA-256 of the whole text.

The secret has 256 random bits, so that a fast hash is as good as a slow one.
"""

from __future__ import annotations

import hashlib
import hmac
import logging
import secrets
import threading
from collections.abc import Collection, Mapping
from datetime import datetime, timedelta

from threadline.clock import Clock
from threadline.errors import NotProven, ProofUnknown, ThreadlineError
from threadline.model.people import Role, Token
from threadline.store.control import ControlStore

PREFIX = "tl_"
_ID_BYTES, _SECRET_BYTES = 5, 32
_LETTERS = "abcdefghijklmnopqrstuvwxyz234567"
# Without the control store, what was last known of tokens is trusted so long: input goes on while a
# database is restarted, a revocation cannot be missed for longer.
TRUSTED_FOR = timedelta(minutes=5)

logger = logging.getLogger(__name__)


def mint(
    name: str,
    *,
    roles: Collection[Role],
    sources: Collection[str],
    lifetime: timedelta,
    who: str,
    now: datetime,
) -> tuple[Token, str]:
    """A new token and its text, which is nowhere else: whoever asked for it is shown it once."""
    token_id = "".join(secrets.choice(_LETTERS) for _ in range(8))
    text = f"{PREFIX}{token_id}_{secrets.token_urlsafe(_SECRET_BYTES)}"
    token = Token(
        id=token_id,
        name=name,
        digest=_digest(text),
        roles=frozenset(roles),
        sources=tuple(sorted(set(sources))),
        created_at=now,
        created_by=who,
        expires_at=now + lifetime,
    )
    return token, text


class TokenBook:
    """What is known of tokens, read again by `refresh` and never while a request waits.

    Safe from any thread: what was read is replaced whole.
    """

    def __init__(self, store: ControlStore, clock: Clock) -> None:
        """Read for the first time; raises `ControlUnavailable`."""
        self._store, self._clock = store.tokens, clock
        self._known: Mapping[str, Token] = {}
        self._used: dict[str, datetime] = {}
        self._noting = threading.Lock()
        self._read_at = clock.monotonic()
        self._read()

    @property
    def ever(self) -> bool:
        """Whether there was ever a token: revoking the last one opens nothing."""
        return bool(self._known)

    @property
    def live(self) -> bool:
        """Whether any token is valid now."""
        now = self._clock.now()
        return any(token.state(now) == "live" for token in self._known.values())

    def refresh(self) -> None:
        """Take up what was made and revoked, and note what was used; says it when it cannot."""
        try:
            self._read()
            self._note()
        except ThreadlineError as error:
            logger.warning("tokens are those known %.0f s ago: %s", self._age(), error)

    def find(self, text: str) -> Token:
        """The live token of that text; raises `NotProven`, or `ProofUnknown` while blind."""
        if self._age() > TRUSTED_FOR.total_seconds():
            raise ProofUnknown("tokens cannot be verified now: the control store does not answer")
        token = self._known.get(text.removeprefix(PREFIX).partition("_")[0])
        known = token.digest if token else "0" * 64
        if not hmac.compare_digest(_digest(text), known) or token is None:
            raise NotProven("the token is not known")
        now = self._clock.now()
        if (state := token.state(now)) != "live":
            raise NotProven(f"the token {token.name!r} is {state}")
        with self._noting:
            self._used[token.id] = now
        return token

    def _read(self) -> None:
        started = self._clock.monotonic()
        self._known = {token.id: token for token in self._store.all()}
        self._read_at = started

    def _note(self) -> None:
        """A use within a minute of one already noted is not worth a durable write."""
        with self._noting:
            used, self._used = self._used, {}
        fresh = {name: at for name, at in used.items() if self._worth_noting(name, at)}
        if fresh:
            self._store.used(fresh)

    def _worth_noting(self, token_id: str, at: datetime) -> bool:
        known = self._known.get(token_id)
        last = known.last_used_at if known else None
        return last is None or at - last >= timedelta(minutes=1)

    def _age(self) -> float:
        return self._clock.monotonic() - self._read_at


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
