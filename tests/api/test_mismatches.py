"""Copies that differ from their masters: on a contract, as a list, in a KPI, in a terminal."""

from __future__ import annotations

import io

import httpx
import pytest
from handmade_rows import NOW
from rich.console import Console

from threadline import terminal
from threadline.wire import Kpi, Mismatch, Thread, phrases

LIST = "/api/v1/mismatches"


def items(api: httpx.Client, **asked: object) -> list[Mismatch]:
    answer = api.get(LIST, params=asked).raise_for_status().json()
    return [Mismatch.model_validate(item) for item in answer["items"]]


def keys(found: list[Mismatch]) -> list[tuple[str, str, str]]:
    return [(one.attribute, one.system, one.state) for one in found]


@pytest.fixture(scope="module")
def thread(api: httpx.Client) -> Thread:
    return Thread.model_validate_json(api.get("/api/v1/contracts/C-100234").content)


def test_a_contract_shows_what_differs_with_what_lasts_first(thread: Thread) -> None:
    assert keys(thread.mismatches) == [
        ("contract_value", "billing", "open"),
        ("contract_value", "erp", "open"),
        ("tax_code", "billing", "open"),
        ("billing_terms", "erp", "within"),
        ("billing_terms", "erp", "closed"),
        ("customer", "erp", "closed"),
    ]
    value = thread.mismatches[1]
    assert value.difference is not None
    assert (str(value.difference.amount), value.difference.currency) == ("30000.00", "EUR")
    assert (value.mastered.value, value.copied.value) == ("480000.00", "450000.00")
    assert (NOW - value.since).days == 3
    assert (value.due_at - value.since).days == 1
    assert thread.mismatches[2].difference is None


def test_every_holder_says_what_it_holds_and_held(thread: Thread) -> None:
    value = next(one for one in thread.mastered if one.attribute == "contract_value")
    said = {one.system: one for one in value.holders}
    assert [one.system for one in value.holders] == ["clm", "crm", "erp", "billing"]
    assert said["clm"].mastered
    assert said["clm"].now is not None
    assert said["clm"].now.value == "480000.00"
    assert [one.value for one in said["clm"].before] == ["450000.00"]
    assert said["crm"].now is None
    tax = next(one for one in thread.mastered if one.attribute == "tax_code")
    assert tax.object_id == "project:erp:P-417"


def test_the_list_begins_with_the_most_money_and_goes_on_by_cursor(api: httpx.Client) -> None:
    whole = items(api)
    assert keys(whole) == [
        ("contract_value", "erp", "open"),
        ("contract_value", "billing", "open"),
        ("tax_code", "billing", "open"),
    ]
    found, cursor = [], None
    while True:
        page = api.get(LIST, params={"limit": 1, **({"cursor": cursor} if cursor else {})}).json()
        found += page["items"]
        cursor = page["next"]
        if not cursor:
            break
    assert [Mismatch.model_validate(item) for item in found] == whole


def test_the_list_is_cut_by_attribute_system_and_state(api: httpx.Client) -> None:
    assert keys(items(api, attribute="tax_code")) == [("tax_code", "billing", "open")]
    assert {one.system for one in items(api, system="erp", state="open,within,closed")} == {"erp"}
    assert keys(items(api, state="within")) == [("billing_terms", "erp", "within")]


@pytest.mark.parametrize(
    ("asked", "status", "words"),
    [
        ({"attribute": "colour"}, 404, "colour"),
        ({"state": "open,broken"}, 422, "state: broken is none of"),
        ({"cursor": "x"}, 422, "cursor"),
    ],
)
def test_what_cannot_be_asked_is_refused_with_the_reason(
    api: httpx.Client, asked: dict[str, str], status: int, words: str
) -> None:
    answer = api.get(LIST, params=asked)
    assert answer.status_code == status
    assert words in answer.json()["detail"]


def test_leakage_counts_an_attribute_once_and_opens_to_the_copy(api: httpx.Client) -> None:
    answer = api.get("/api/v1/kpis").json()
    (leaks,) = [Kpi.model_validate(i) for i in answer["items"] if i["kpi"] == "revenue-leakage"]
    assert (leaks.value, leaks.unit, leaks.n, leaks.state) == (30_000, "EUR", 1, "breached")
    assert leaks.counts == {"copy differs": 1, "counted elsewhere": 1}
    (row,) = api.get("/api/v1/kpis/revenue-leakage/cases", params={"currency": "EUR"}).json()[
        "items"
    ]
    assert (row["number"], row["contributes"]) == ("C-100234", 30_000)
    assert row["stuck_message"] == "erp says 450000.00 EUR, clm says 480000.00 EUR"
    assert row["dimensions"]["region"] == "emea"


def test_a_terminal_says_it_in_words(thread: Thread) -> None:
    console = Console(width=80, file=io.StringIO(), force_terminal=False)
    console.print(terminal.thread(thread))
    assert isinstance(console.file, io.StringIO)
    text = console.file.getvalue()
    assert max(map(len, text.splitlines())) <= 80
    words = " ".join(text.split())
    assert "Contract value differs by EUR 30 k: erp says EUR 450000.00 since" in words
    assert "Told by one system only, so unknown: rate card of project P-417." in words
    assert "Tax code of project P-417 differs: billing says V0" in words


def test_how_long_is_said_with_what_was_allowed(thread: Thread) -> None:
    said = {keys([one])[0]: phrases.lasted(one, NOW) for one in thread.mismatches}
    assert said["contract_value", "erp", "open"] == "3 d, 2 d longer than it may"
    assert said["billing_terms", "erp", "within"].startswith("6 h, may until")
    assert said["customer", "erp", "closed"].startswith("3 d 12 h, 2 d 12 h longer than it may; ")


def test_counts_say_how_many_of_each_kind_and_what_they_differ_by(api: httpx.Client) -> None:
    counts = api.get(f"{LIST}/counts").json()["items"]
    everything = items(api, state="open,within,closed,unknown", limit=500)
    for one in counts:
        same = [
            each
            for each in everything
            if keys([each]) == [(one["attribute"], one["system"], one["state"])]
        ]
        assert len(same) == one["count"]
        money = sum(abs(each.difference.amount) for each in same if each.difference)
        assert [float(worth["amount"]) for worth in one["worth"]] == (
            [float(money)] if money else []
        )
    assert sum(one["count"] for one in counts) == len(everything)
    worth = {(one["attribute"], one["system"]): one["worth"] for one in counts}
    assert worth["contract_value", "erp"] == [{"amount": "30000.00", "currency": "EUR"}]


def test_a_terminal_lists_them_with_their_contract(api: httpx.Client) -> None:
    console = Console(width=80, file=io.StringIO())
    console.print(terminal.mismatches(items(api), NOW))
    told = " ".join(console.file.getvalue().split())
    assert "C-100234 Contract value differs by EUR 30 k: erp says EUR 450000.00" in told
    console.print(terminal.mismatches([], NOW))
    assert "No copy of this kind differs" in console.file.getvalue()
