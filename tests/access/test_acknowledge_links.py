"""Links to acknowledge: what is signed, for how long, and what nobody can make of another."""

from __future__ import annotations

import stat
from datetime import timedelta

import pytest

from threadline.access.acknowledging import (
    FORM_LIFETIME,
    AcknowledgeLinks,
    LinkExpired,
    LinkForged,
    Permit,
)
from threadline.access.link_key import link_key
from threadline.errors import SettingsError, TooOften
from threadline.settings import AlertsSettings, load

ADDRESS = "https://threadline.example"
HOUR = timedelta(hours=1)
KEY = b"k" * 32


@pytest.fixture
def links(clock):
    return AcknowledgeLinks(KEY, clock, address=ADDRESS, lifetime=HOUR)


def token(links, incident="I-1", episode=2, receiver="default/mail"):
    address = links.to(incident, episode, receiver)
    assert address.startswith(f"{ADDRESS}/a/")
    return address.removeprefix(f"{ADDRESS}/a/")


def test_a_link_permits_one_episode_of_one_incident_in_one_receivers_name(links, clock):
    permit = links.read(token(links))

    expires_at = (clock.now() + HOUR).replace(microsecond=0)
    assert permit == Permit(
        incident="I-1", episode=2, receiver="default/mail", expires_at=expires_at
    )


def test_a_link_is_one_word_that_needs_no_escaping(links):
    told = token(links, incident="contract:clm:C-1/ü?", receiver="weekend/post & door")

    assert told.replace(".", "").replace("-", "").replace("_", "").isalnum()
    assert links.read(told).receiver == "weekend/post & door"


def test_no_bit_of_a_link_can_be_changed(links, clock):
    right = token(links)
    for place, letter in enumerate(right):
        forged = right[:place] + chr(ord(letter) ^ 1) + right[place + 1 :]
        clock.move_to(clock.now() + timedelta(seconds=1))  # forging has a pace
        with pytest.raises(LinkForged):
            links.read(forged)
    assert links.read(right)


def test_what_is_no_link_at_all_is_forged(links, clock):
    right = token(links)
    odd_ones = ("", ".", "..", right[:-1], right + "A", right + "=", right.split(".")[0], "é")
    for odd in (*odd_ones, "A" * 9999):
        clock.move_to(clock.now() + timedelta(seconds=1))
        with pytest.raises(LinkForged):
            links.read(odd)


def test_another_key_is_another_firm(links, clock):
    other = AcknowledgeLinks(b"o" * 32, clock, address=ADDRESS, lifetime=HOUR)

    with pytest.raises(LinkForged):
        links.read(token(other))


def test_a_link_expires_at_its_instant(links, clock):
    told = token(links)
    until = links.read(told).expires_at

    clock.move_to(until - timedelta(microseconds=1))
    assert links.read(told)
    clock.move_to(until)
    with pytest.raises(LinkExpired):
        links.read(told)


def test_a_form_belongs_to_its_link_for_an_hour(links, clock):
    told, other = token(links), token(links, incident="I-2")
    form = links.form(told)

    links.require_form(told, form)
    for wrong in (links.form(other), "", told, form[:-1]):
        with pytest.raises(LinkForged):
            links.require_form(told, wrong)
    clock.move_to(clock.now() + FORM_LIFETIME)
    with pytest.raises(LinkExpired):
        links.require_form(told, form)


def test_a_form_is_no_link(links):
    with pytest.raises(LinkForged):
        links.read(links.form(token(links)))


def test_guessing_has_a_pace_that_does_not_slow_down_who_holds_a_link(links):
    for _ in range(11):
        with pytest.raises(LinkForged):
            links.read("guess.guess")
    with pytest.raises(TooOften):
        links.read("guess.guess")

    assert links.read(token(links))


def test_the_key_is_made_once_and_only_its_owner_reads_it(tmp_path):
    settings = load(data_dir=tmp_path).alerts

    key = link_key(settings)

    assert len(key) >= 43  # 256 bits in base64
    assert link_key(settings) == key
    assert stat.S_IMODE((tmp_path / "link.key").stat().st_mode) == 0o600
    assert [one.name for one in tmp_path.iterdir()] == ["link.key"]


def test_services_share_a_key_by_setting_or_file(tmp_path):
    shared = tmp_path / "mounted"
    shared.write_text("the key that a platform has mounted for all\n")

    assert link_key(AlertsSettings(link_key="s" * 32)) == b"s" * 32
    from_file = link_key(AlertsSettings(link_key_file=shared))
    assert from_file == b"the key that a platform has mounted for all"


def test_a_key_that_is_short_or_cannot_be_read_is_named(tmp_path):
    short = tmp_path / "short"
    short.write_text("abc")

    with pytest.raises(SettingsError, match=r"alerts\.link_key_file .*short holds fewer than 32"):
        link_key(AlertsSettings(link_key_file=short))
    with pytest.raises(SettingsError, match=r"alerts\.link_key_file .*cannot be used"):
        link_key(AlertsSettings(link_key_file=short / "below"))
    with pytest.raises(SettingsError, match="link_key") as refused:
        load(alerts={"link_key": "too short"})
    assert "too short" not in str(refused.value).replace("at least 32", "")
