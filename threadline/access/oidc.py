"""People's tokens, verified here: who issued them, for whom, until when, signed by which key."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from joserfc import jws, jwt
from joserfc.errors import BadSignatureError, ExpiredTokenError, JoseError

from threadline.access.provider import Provider
from threadline.clock import Clock
from threadline.errors import NotProven
from threadline.model.people import ROLES, Principal, Role
from threadline.sections import SIGNATURES, OidcSettings

_LONGEST = 16 * 1024  # characters; real ones have one to four thousand
_LONGEST_NAME = 200


class People:
    """Turns a person's token into who it is; `provider` publishes the keys."""

    def __init__(self, settings: OidcSettings, provider: Provider, clock: Clock) -> None:
        self._settings, self._provider, self._clock = settings, provider, clock
        self._audience = settings.audience or settings.client_id

    def find(self, text: str) -> Principal:
        """Raises `NotProven`, or `ProofUnknown` while the provider's keys cannot be had."""
        claims = self._claims(text)
        return Principal(
            who=self._name(claims),
            roles=self._roles(claims),
            subject=f"{claims['iss']}#{claims['sub']}",
        )

    def _claims(self, text: str) -> Mapping[str, Any]:
        if len(text) > _LONGEST:
            raise NotProven("the token is longer than any that is taken")
        try:
            token = self._decoded(text)
            self._rules().validate(token.claims)
        except ExpiredTokenError as error:
            raise NotProven("the sign-in has expired: sign in again") from error
        except (JoseError, ValueError, TypeError, KeyError) as error:
            raise NotProven(f"the token does not hold: {error}") from error
        return token.claims

    def _decoded(self, text: str) -> jwt.Token:
        """A token that names no key may be signed by one that is newer than those known."""
        kid = str(jws.extract_compact(text.encode()).headers().get("kid") or "")
        try:
            return jwt.decode(text, self._provider.keys(kid), algorithms=SIGNATURES)
        except BadSignatureError:
            if kid or not self._provider.renew():
                raise
            return jwt.decode(text, self._provider.keys(kid), algorithms=SIGNATURES)

    def _rules(self) -> jwt.JWTClaimsRegistry:
        return jwt.JWTClaimsRegistry(
            now=int(self._clock.now().timestamp()),
            leeway=self._settings.leeway_seconds,
            iss={"essential": True, "value": self._provider.issuer},
            aud={"essential": True, "value": self._audience},
            sub={"essential": True},
            exp={"essential": True},
        )

    def _name(self, claims: Mapping[str, Any]) -> str:
        """Only an address that the provider has not left unverified stands for a person."""
        said = claims.get(self._settings.name_claim)
        trusted = self._settings.name_claim != "email" or claims.get("email_verified") is not False
        name = said if isinstance(said, str) and said.strip() and trusted else claims["sub"]
        return str(name)[:_LONGEST_NAME]

    def _roles(self, claims: Mapping[str, Any]) -> frozenset[Role]:
        found: Any = claims
        for part in self._settings.role_claim.split("."):
            found = found.get(part) if isinstance(found, dict) else None
        said = [found] if isinstance(found, str) else found if isinstance(found, list) else []
        table: Mapping[str, Role] = self._settings.roles or {role: role for role in ROLES}
        return frozenset(
            table[value] for value in said if isinstance(value, str) and value in table
        )
