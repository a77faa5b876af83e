"""What an OpenID provider publishes: its own name and its keys, fetched and kept for a while."""

from __future__ import annotations

import threading
from typing import Any
from urllib.parse import urlsplit

import httpx
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from threadline.clock import Clock
from threadline.errors import ProofUnknown

KEPT_SECONDS = 600.0  # then keys are asked for anew; a key that was withdrawn is trusted so long
PAUSE_SECONDS = 10.0  # between two questions, however many tokens name unknown keys
_TIMEOUT = httpx.Timeout(5.0)
_MOST_BYTES = 512 * 1024


class Provider:
    """The provider at `issuer`; nothing is asked before the first token comes."""

    def __init__(self, issuer: str, clock: Clock) -> None:
        self.issuer = issuer
        self._clock = clock
        self._keys: KeySet | None = None
        self._fetched_at = self._asked_at = float("-inf")
        self._reason = "not asked yet"
        self._asking = threading.Lock()
        self._http = httpx.Client(timeout=_TIMEOUT, follow_redirects=False)

    def keys(self, kid: str) -> KeySet:
        """The provider's keys; asked for anew when they are old, or when none is called `kid`.

        Raises `ProofUnknown` while there are none to be had.
        """
        if self._wanted(kid):
            self.renew()
        if self._keys is None or self._old():
            raise ProofUnknown(f"the keys of {self.issuer} cannot be had now: {self._reason}")
        return self._keys

    def renew(self) -> bool:
        """Ask for the keys anew unless that was done a moment ago; whether they were had.

        One asks; the others wait only when there is nothing to go on with meanwhile.
        """
        if not self._asking.acquire(blocking=self._keys is None or self._old()):
            return False
        try:
            if self._clock.monotonic() - self._asked_at < PAUSE_SECONDS:
                return False
            self._asked_at = self._clock.monotonic()
            return self._fetch()
        finally:
            self._asking.release()

    def close(self) -> None:
        """Let go of connections."""
        self._http.close()

    def _wanted(self, kid: str) -> bool:
        if self._keys is None or self._old():
            return True
        return bool(kid) and kid not in {key.kid for key in self._keys}

    def _old(self) -> bool:
        return self._clock.monotonic() - self._fetched_at > KEPT_SECONDS

    def _fetch(self) -> bool:
        """Keys that cannot be had leave the old ones for as long as they are kept."""
        try:
            found = self._get(f"{self.issuer.rstrip('/')}/.well-known/openid-configuration")
            if found.get("issuer") != self.issuer:
                raise ValueError(f"it calls itself {found.get('issuer')!r}")
            place = str(found["jwks_uri"])
            if urlsplit(place).scheme != urlsplit(self.issuer).scheme:
                raise ValueError(f"its keys are at {place}, not over the issuer's scheme")
            published: Any = self._get(place)
            self._keys = KeySet.import_key_set(published)
        except (httpx.HTTPError, JoseError, KeyError, TypeError, ValueError) as error:
            self._reason = str(error) or type(error).__name__
            return False
        self._fetched_at = self._clock.monotonic()
        return True

    def _get(self, url: str) -> dict[str, Any]:
        with self._http.stream("GET", url) as response:
            response.raise_for_status()
            body = b""
            for chunk in response.iter_bytes():
                body += chunk
                if len(body) > _MOST_BYTES:
                    raise ValueError(f"{url} sends more than {_MOST_BYTES} bytes")
        found = httpx.Response(200, content=body).json()
        if not isinstance(found, dict):
            raise TypeError(f"{url} does not send a JSON object")
        return found
