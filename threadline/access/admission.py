"""Whether the service may start as it is set up, and the gate it starts with."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from threadline.access.gate import Gate
from threadline.access.oidc import People
from threadline.access.pace import Pace
from threadline.access.provider import Provider
from threadline.access.tokens import TokenBook
from threadline.clock import Clock
from threadline.errors import SettingsError
from threadline.sections import OidcSettings
from threadline.settings import Settings


@contextmanager
def admitted(settings: Settings, tokens: TokenBook, clock: Clock) -> Iterator[Gate]:
    """The gate of `settings`; raises `SettingsError` where it would let everybody in, or secrets
    out, saying what to do about it.
    """
    exposed = settings.exposed
    required = settings.access.require or bool(exposed)
    oidc = settings.access.oidc
    if required and not oidc.issuer and not tokens.live:
        raise SettingsError(_nobody(exposed))
    if exposed and settings.tls.certificate is None and not settings.tls.terminated:
        raise SettingsError(_readable(exposed))
    with _people(oidc, clock) as people:
        yield Gate(
            tokens,
            people,
            required=required,
            input_pace=Pace(settings.limits.input_per_second, clock),
            question_pace=Pace(settings.limits.questions_per_second, clock),
        )


@contextmanager
def _people(oidc: OidcSettings, clock: Clock) -> Iterator[People | None]:
    if not oidc.issuer:
        yield None
        return
    provider = Provider(oidc.issuer, clock)
    try:
        yield People(oidc, provider, clock)
    finally:
        provider.close()


def _nobody(exposed: dict[str, str]) -> str:
    why = _places(exposed) if exposed else "setting access.require asks for proof of everybody"
    return (
        f"{why}, and nobody could prove who it is: make a token (threadline token create), set"
        " access.oidc.issuer, or listen on 127.0.0.1 without access.require"
    )


def _readable(exposed: dict[str, str]) -> str:
    return (
        f"{_places(exposed)}, and tokens would cross the network readable: set tls.certificate and"
        " tls.key, or tls.terminated: true where a proxy on the way speaks TLS"
    )


def _places(exposed: dict[str, str]) -> str:
    places = ", ".join(f"{setting} ({address})" for setting, address in exposed.items())
    return f"{places} can be reached from other machines"
