"""Sections of the settings about who may ask, over what wire, and how much at once."""

from __future__ import annotations

import ssl
from collections.abc import Mapping
from pathlib import Path
from typing import Self
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import BaseModel, ConfigDict, Field, SecretStr, field_validator, model_validator

from threadline.model.people import Role
from threadline.networks import is_loopback

SIGNATURES = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "EdDSA")
PERSONAL = ("*email*", "*phone*", "*iban*", "enduser.*")  # what neither figure nor repair needs


def _redacted() -> Mapping[Role, tuple[str, ...]]:
    return {"executive": PERSONAL, "on-call": PERSONAL}


class Section(BaseModel):
    """One room's settings; unknown keys are refused."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class ReportingSettings(Section):
    """How the firm reckons time in its reports."""

    zone: str = "UTC"  # IANA: where days, months and quarters begin
    fiscal_year_start: int = Field(1, ge=1, le=12)  # the month

    @field_validator("zone")
    @classmethod
    def _known(cls, name: str) -> str:
        try:
            ZoneInfo(name)
        except (ZoneInfoNotFoundError, ValueError) as error:
            raise ValueError(f"{name!r} is not an IANA time zone") from error
        return name


class RetentionSettings(Section):
    """How long what was received is kept."""

    # None: for ever.
    bodies_days: float | None = Field(None, gt=0)  # inputs as received; then as understood
    contracts_days: float | None = Field(None, gt=0)  # after a contract's last case was over
    closes_days: float | None = Field(None, gt=0)  # after a close was taken


class ErasureSettings(Section):
    """What of a person is erased with an identifier."""

    # Attributes, with * and ?: those beside one whose whole value is the identifier, under the same
    # prefix, tell of the same person.
    personal: tuple[str, ...] = (*PERSONAL, "user.*", "person.*", "actor.id", "actor.name")


class DiskSettings(Section):
    """How much of the disk may be taken."""

    budget_bytes: int | None = Field(None, ge=0)  # of log, stores and views together; none: all
    warn_share: float = Field(0.8, gt=0, le=1)  # of the budget, or of the disk, from which it warns


class OidcSettings(Section):
    """Sign-in of people by an OpenID provider."""

    issuer: str | None = None  # as the provider names itself; none: people cannot sign in
    client_id: str = ""  # of the dashboards at the provider
    client_secret: SecretStr = SecretStr("")
    audience: str = ""  # what tokens have to be meant for; none: client_id
    scope: str = "openid email profile"  # what sign-in asks for
    role_claim: str = "roles"  # where roles stand; a path with dots: realm_access.roles
    roles: Mapping[str, Role] = Field(default_factory=dict)  # claim value: role; none: alike
    name_claim: str = "email"  # what a person is called in histories
    leeway_seconds: int = Field(30, ge=0, le=300)  # how far the provider's clock may be off

    @field_validator("issuer")
    @classmethod
    def _secure(cls, issuer: str | None) -> str | None:
        parts = urlsplit(issuer or "https://")
        if parts.scheme == "https" or (
            parts.scheme == "http" and is_loopback(parts.hostname or "")
        ):
            return issuer
        raise ValueError(f"{issuer!r} is not an https:// address; only loopback may do without TLS")

    @model_validator(mode="after")
    def _whole(self) -> Self:
        if self.issuer and not self.client_id:
            raise ValueError("an issuer needs client_id: the dashboards' name at the provider")
        return self


class ClosesSettings(Section):
    """Closing the month before by itself."""

    day: int = Field(0, ge=0, le=28)  # of the month, in `reporting.zone`; 0: people close it
    hour: int = Field(6, ge=0, le=23)  # of that day: what is known then is frozen


class AccessSettings(Section):
    """Who may ask."""

    require: bool = False  # refuse whoever brings no proof, on loopback too
    refresh_seconds: float = Field(2.0, gt=0, le=60)  # how soon a revoked token stops working
    redact: Mapping[Role, tuple[str, ...]] = Field(
        default_factory=_redacted
    )  # attributes, with * and ?, whose values a role does not see
    oidc: OidcSettings = OidcSettings()


class TlsSettings(Section):
    """TLS on every port; both files or none."""

    certificate: Path | None = None  # PEM, with the chain
    key: Path | None = None  # PEM
    authority: Path | None = None  # PEM; what our own clients trust, if no public authority signed
    terminated: bool = False  # a proxy on the way speaks TLS, so that plain ports are no fault

    @model_validator(mode="after")
    def _both(self) -> Self:
        if (self.certificate is None) != (self.key is None):
            raise ValueError("certificate and key go together")
        for file in (self.certificate, self.key, self.authority):
            if file is not None and not file.is_file():
                raise ValueError(f"{file} is not a file")
        return self

    @property
    def scheme(self) -> str:
        """How addresses of our own ports begin."""
        return "https" if self.certificate else "http"

    @property
    def trusted(self) -> ssl.SSLContext | bool:
        """What our own clients trust when they speak to our ports; True: public authorities."""
        return ssl.create_default_context(cafile=self.authority) if self.authority else True


class LimitsSettings(Section):
    """What one sender may ask of a port; the size of input is `intake.max_body_bytes`."""

    head_bytes: int = Field(32 * 1024, ge=1024)  # request line and headers; beyond it 431
    head_seconds: float = Field(10.0, gt=0)  # until they are whole; then the line is cut
    body_bytes: int = Field(1024 * 1024, ge=1024)  # of a request to the API; beyond it 413
    body_seconds: float = Field(120.0, gt=0)  # until a body is whole; then 408
    idle_seconds: float = Field(15.0, gt=0)  # between two pieces of a body; then 408
    connections: int = Field(1_000, ge=10)  # at once to one port; beyond it 503
    input_per_second: float = Field(2_000, gt=0)  # requests by one token; beyond it 429
    questions_per_second: float = Field(50, gt=0)  # to the API by one token or person; then 429


PLAIN, USUAL = TlsSettings(), LimitsSettings()
