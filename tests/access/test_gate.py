"""When the gate is open, and who comes through when it is not."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from threadline.access import Gate, admitted
from threadline.errors import NotAllowed, NotProven, SettingsError
from threadline.settings import Settings


def test_on_loopback_it_is_open_until_the_first_token_and_never_again(book, minted, control, clock):
    gate = Gate(book, None, required=False)
    assert gate.principal("").anonymous
    assert gate.sender({}) == "open"

    text = minted(days=1)
    book.refresh()
    with pytest.raises(NotProven):
        gate.principal("")
    control.tokens.revoke(book.find(text).id, who="ben")
    clock.move_to(clock.now() + timedelta(days=2))
    book.refresh()

    with pytest.raises(NotProven):
        gate.sender({})


def test_a_sender_speaks_for_its_own_sources_only(book, minted):
    gate = Gate(book, None, required=True)
    one, two = minted(sources=["erp"]), minted(sources=["erp", "s4"])
    none = minted(roles=["admin"])
    book.refresh()

    assert gate.sender(_bearer(one)) == "erp"
    assert gate.sender(_bearer(two, "s4")) == "s4"
    for headers, said in (
        (_bearer(one, "clm"), "'clm' is not one of the token's sources: erp"),
        (_bearer(two), "has to be one of"),
        (_bearer(none), "names no source"),
    ):
        with pytest.raises(NotAllowed, match=said):
            gate.sender(headers)


@pytest.mark.parametrize(
    "authorization",
    ["", "Bearer", "Bearer ", "Basic dXNlcjpwYXNz", "tl_x_y", "Bearer tl_x_y", "Bearer a.b.c"],
)
def test_what_proves_nothing_is_refused(book, minted, authorization):
    minted(sources=["erp"])
    book.refresh()
    gate = Gate(book, None, required=False)

    with pytest.raises(NotProven):
        gate.principal(authorization)
    with pytest.raises(NotProven):
        gate.sender({"authorization": authorization})


def test_a_token_has_the_roles_it_was_made_with(book, minted):
    text = minted("grafana", roles=["executive"])
    book.refresh()

    principal = Gate(book, None, required=True).principal(f"bearer {text}")

    assert (principal.who, principal.roles) == ("token grafana", {"executive"})
    assert principal.named("somebody else") == "token grafana"


EXPOSED = {"api": {"listen": "0.0.0.0:8080"}}
OIDC = {"access": {"oidc": {"issuer": "https://login.example.test", "client_id": "x"}}}


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        (EXPOSED, r"api.listen \(0.0.0.0:8080\).*threadline token create.*access.oidc.issuer"),
        ({"access": {"require": True}}, "access.require asks for proof"),
        (EXPOSED | OIDC, "tls.certificate"),
    ],
)
def test_it_does_not_start_where_everybody_could_get_in_or_read_along(book, clock, settings, said):
    with pytest.raises(SettingsError, match=said), admitted(Settings(**settings), book, clock):
        pass


def test_it_starts_beyond_loopback_with_a_token_and_tls_or_a_proxy(
    book, minted, clock, tmp_path: Path
):
    (tmp_path / "pem").write_text("")
    minted(sources=["erp"])
    book.refresh()
    pair = {"certificate": tmp_path / "pem", "key": tmp_path / "pem"}

    for tls in ({"terminated": True}, pair):
        with admitted(Settings(**EXPOSED, tls=tls), book, clock) as gate:
            assert not gate.open


def test_a_token_that_is_over_lets_nothing_start(book, minted, clock):
    minted(days=1)
    book.refresh()
    clock.move_to(clock.now() + timedelta(days=1))

    settings = Settings(**EXPOSED, tls={"terminated": True})
    with pytest.raises(SettingsError, match="nobody could prove"), admitted(settings, book, clock):
        pass


def _bearer(text: str, source: str = "") -> dict[str, str]:
    headers = {"authorization": f"Bearer {text}"}
    return headers | ({"x-threadline-source": source} if source else {})
