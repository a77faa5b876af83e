"""People's tokens, verified here against a real provider's keys."""

from __future__ import annotations

import base64
import hmac
import json
from collections.abc import Callable
from datetime import timedelta

import pytest
from joserfc import jwt
from joserfc.jwk import RSAKey
from openid_provider import CLIENT, openid_provider

from threadline.access.oidc import People
from threadline.access.provider import KEPT_SECONDS, PAUSE_SECONDS, Provider
from threadline.errors import NotProven, ProofUnknown
from threadline.sections import OidcSettings

Knowing = Callable[..., People]


@pytest.fixture
def knowing(provider, clock) -> Knowing:
    """Verification by the running provider's keys."""

    def make(issuer: str = provider.issuer, **settings: object) -> People:
        given = OidcSettings(issuer=issuer, client_id=CLIENT, **settings)
        return People(given, Provider(issuer, clock), clock)

    return make


def test_a_person_is_who_the_provider_says_with_the_roles_it_says(knowing, provider):
    people = knowing()

    admin = people.find(provider.sign_in("sub-admin"))
    guest = people.find(provider.sign_in("sub-guest"))

    assert (admin.who, admin.roles) == ("admin@example.test", {"admin"})
    assert admin.subject == f"{provider.issuer}#sub-admin"
    assert guest.roles == frozenset()


def test_claim_values_are_mapped_to_roles_and_no_other_value_counts(knowing, provider):
    people = knowing(roles={"executive": "admin"})

    assert people.find(provider.sign_in("sub-exec")).roles == {"admin"}
    assert people.find(provider.sign_in("sub-support")).roles == frozenset()


def test_the_claim_may_lie_deeper_and_a_single_word_is_a_list_of_one(clock):
    claims = {"email": "a@example.test", "realm_access": {"roles": "support"}}
    with openid_provider({"one": claims}) as running:
        settings = OidcSettings(
            issuer=running.issuer, client_id=CLIENT, role_claim="realm_access.roles"
        )
        people = People(settings, Provider(running.issuer, clock), clock)

        assert people.find(running.sign_in("one")).roles == {"support"}


def test_an_address_that_was_not_verified_names_nobody(clock):
    claims = {"email": "boss@example.test", "email_verified": False}
    with openid_provider({"one": claims}) as running:
        settings = OidcSettings(issuer=running.issuer, client_id=CLIENT)
        people = People(settings, Provider(running.issuer, clock), clock)

        assert people.find(running.sign_in("one")).who == "one"


def test_it_ends_when_it_expires_by_our_clock(knowing, provider, clock):
    people = knowing(leeway_seconds=5)
    text = provider.sign_in("sub-exec")
    until = _claims(text)["exp"]
    clock.move_to(clock.now() + timedelta(seconds=until + 4 - clock.now().timestamp()))
    assert people.find(text)

    clock.move_to(clock.now() + timedelta(seconds=2))

    with pytest.raises(NotProven, match="has expired"):
        people.find(text)


def test_a_token_for_somebody_else_is_not_taken(knowing, provider):
    with pytest.raises(NotProven, match="aud"):
        knowing().find(provider.sign_in("sub-exec", client="another-application"))


def test_a_token_of_another_provider_is_not_taken(knowing, provider):
    with openid_provider() as other, pytest.raises(NotProven):
        knowing().find(other.sign_in("sub-admin"))


def test_what_the_provider_did_not_sign_is_not_taken(knowing, provider):
    people, text = knowing(), provider.sign_in("sub-exec")
    claims = _claims(text) | {"roles": ["admin"]}
    head, _, signature = text.split(".")
    (public,) = people._provider.keys("").keys
    forgeries = [
        f"{head}.{_part(claims)}.{signature}",
        f"{_part({'alg': 'none', 'typ': 'JWT'})}.{_part(claims)}.",
        _hashed(claims, public.as_pem(private=False)),
        jwt.encode({"alg": "RS256"}, claims, RSAKey.generate_key(2048)),
        jwt.encode({"alg": "RS256", "kid": public.kid}, claims, RSAKey.generate_key(2048)),
        f"{_part({'alg': 'RS256', 'crit': ['x'], 'x': 1})}.{_part(claims)}.{signature}",
        "a.b.c",
        "",
        "." * 10,
        "x" * 20_000,
    ]

    for forgery in forgeries:
        with pytest.raises(NotProven):
            people.find(forgery)
    assert people.find(text).roles == {"executive"}


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"exp": None}, "exp"),
        ({"exp": True}, "exp"),
        ({"sub": None}, "sub"),
        ({"iss": "https://evil.example"}, "iss"),
        ({"aud": ["another"]}, "aud"),
        ({"nbf": 4_000_000_000}, "not yet valid"),
        ({"iat": 4_000_000_000}, "future"),
    ],
)
def test_every_claim_is_held_against_what_it_has_to_be(
    knowing, provider, change, said, monkeypatch
):
    people, key = knowing(), RSAKey.generate_key(2048, auto_kid=True)
    claims = _claims(provider.sign_in("sub-exec")) | change
    claims = {name: value for name, value in claims.items() if value is not None}
    people._provider.keys("")
    people._provider._keys.keys.append(key)  # as if the provider itself had said this

    with pytest.raises(NotProven, match=said):
        people.find(jwt.encode({"alg": "RS256", "kid": key.kid}, claims, key))


def test_keys_are_taken_up_when_the_provider_changes_them(clock):
    with openid_provider() as first:
        port = int(first.issuer.rpartition(":")[2])
        settings = OidcSettings(issuer=first.issuer, client_id=CLIENT)
        people = People(settings, Provider(first.issuer, clock), clock)
        old = first.sign_in("sub-exec")
        assert people.find(old)
    with openid_provider(port=port) as second:
        fresh = second.sign_in("sub-exec")
        with pytest.raises(NotProven):  # asked a moment ago: not again so soon
            people.find(fresh)
        clock.move_to(clock.now() + timedelta(seconds=PAUSE_SECONDS))

        assert people.find(fresh)
        with pytest.raises(NotProven):
            people.find(old)


def test_an_unknown_name_of_a_key_is_asked_about_once_in_a_while(
    knowing, provider, clock, monkeypatch
):
    people, asked = knowing(), []
    known = people._provider._get
    monkeypatch.setattr(people._provider, "_get", lambda url: asked.append(url) or known(url))
    claims = _claims(provider.sign_in("sub-exec"))
    named = jwt.encode({"alg": "RS256", "kid": "rotated"}, claims, RSAKey.generate_key(2048))

    def times_asked() -> int:
        before = len(asked)
        with pytest.raises(NotProven):
            people.find(named)
        return len(asked) - before

    people._provider.keys("")
    assert times_asked() == 0
    clock.move_to(clock.now() + timedelta(seconds=PAUSE_SECONDS))
    assert times_asked() == 2  # its description, and its keys
    assert times_asked() == 0


def test_a_provider_that_is_away_is_missed_only_when_its_keys_are_old(clock):
    with openid_provider(lifetime=timedelta(days=1)) as running:
        settings = OidcSettings(issuer=running.issuer, client_id=CLIENT)
        people = People(settings, Provider(running.issuer, clock), clock)
        text = running.sign_in("sub-exec")
        assert people.find(text)
    clock.move_to(clock.now() + timedelta(seconds=KEPT_SECONDS))
    assert people.find(text)

    clock.move_to(clock.now() + timedelta(seconds=1))

    with pytest.raises(ProofUnknown, match="cannot be had now"):
        people.find(text)


def test_a_provider_that_calls_itself_something_else_is_not_believed(provider, knowing):
    other = provider.issuer.replace("localhost", "127.0.0.1") + "/"

    with pytest.raises(ProofUnknown, match="calls itself"):
        knowing(issuer=other).find(provider.sign_in("sub-exec"))


def _claims(text: str) -> dict:
    return json.loads(base64.urlsafe_b64decode(text.split(".")[1] + "=="))


def _hashed(claims: dict, key: bytes) -> str:
    """Signed as if the provider's public key were a shared secret."""
    content = f"{_part({'alg': 'HS256'})}.{_part(claims)}"
    mac = hmac.digest(key, content.encode(), "sha256")
    return f"{content}.{base64.urlsafe_b64encode(mac).rstrip(b'=').decode()}"


def _part(value: dict) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()
