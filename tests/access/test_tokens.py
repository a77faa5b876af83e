"""Machines' tokens: known by their hash, for so long, until revoked."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import text as sql

from threadline.access.tokens import TRUSTED_FOR
from threadline.errors import NotProven, ProofUnknown


def test_a_token_is_known_by_its_text_alone(book, minted):
    text = minted("erp exporter", sources=["erp"])
    book.refresh()

    assert book.find(text).name == "erp exporter"
    for wrong in (text[:-1], text + "x", text.upper(), "tl_", text[:12] + "0" * 43, "tl__"):
        with pytest.raises(NotProven, match="not known"):
            book.find(wrong)


def test_its_text_is_nowhere_in_the_store(control, minted, tmp_path):
    text = minted("erp", sources=["erp"], roles=["support"])

    stored = b"".join(file.read_bytes() for file in tmp_path.glob("control.sqlite*"))

    assert text.encode() not in stored
    assert text.split("_", 2)[2].encode() not in stored  # a secret may hold a "_" too


def test_it_stops_when_it_expires(book, minted, clock):
    text = minted(days=1)
    book.refresh()
    clock.move_to(clock.now() + timedelta(days=1) - timedelta(microseconds=1))
    book.refresh()
    assert book.find(text)

    clock.move_to(clock.now() + timedelta(microseconds=1))

    with pytest.raises(NotProven, match="is expired"):
        book.find(text)


def test_it_stops_with_the_first_look_after_it_was_revoked(book, minted, control):
    text = minted()
    book.refresh()
    control.tokens.revoke(book.find(text).id, who="ben")
    assert book.find(text)

    book.refresh()

    with pytest.raises(NotProven, match="is revoked"):
        book.find(text)


def test_a_request_asks_no_database(book, minted, control, monkeypatch):
    text = minted()
    book.refresh()
    monkeypatch.delattr(type(control._transactions), "read")
    monkeypatch.delattr(type(control._transactions), "write")

    assert book.find(text)


def test_without_the_store_what_was_known_is_trusted_for_a_while_only(book, minted, control, clock):
    text = minted()
    book.refresh()
    with control._transactions.write() as connection:
        connection.execute(sql("ALTER TABLE tokens RENAME TO elsewhere"))

    clock.move_to(clock.now() + TRUSTED_FOR)
    book.refresh()
    assert book.find(text)
    clock.move_to(clock.now() + timedelta(seconds=1))
    book.refresh()

    with pytest.raises(ProofUnknown):
        book.find(text)


def test_when_it_was_used_last_is_noted_once_a_minute(book, minted, control, clock):
    text = minted()
    book.refresh()
    first = clock.now()
    for second in (0, 30, 59, 60):
        clock.move_to(first + timedelta(seconds=second))
        book.find(text)
        book.refresh()
        (token,) = control.tokens.all()
        assert token.last_used_at == first + timedelta(seconds=60 if second == 60 else 0)
        book.refresh()
