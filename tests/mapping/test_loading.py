"""Mappings from files: ours, a user's over them, and what is wrong in either."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path

import pytest

from collector.mapping import Attribute, Mapping, Relation, SameAs, load, parse
from threadline.errors import DefinitionErrors


def user(directory: Path, objects: str = "", **sources: str) -> Path:
    if objects:
        (directory / "objects.yaml").write_text(objects)
    (directory / "sources").mkdir()
    for name, text in sources.items():
        (directory / "sources" / f"{name}.yaml").write_text(text)
    return directory


def test_the_shipped_mapping_says_who_owns_and_masters_what() -> None:
    shipped = load()
    assert shipped.roots == {"contract"}
    assert shipped.objects["invoice"].owners == ("project", "contract")
    assert shipped.objects["project"].namespaces == ("erp", "s4", "psa")
    assert not shipped.objects["supplier"].links
    pair = SameAs(object_type="project", namespaces=("erp", "psa"), master="erp")
    assert pair in shipped.same_as
    bills = Relation(name="bills", child="invoice", parent="milestone", master="erp")
    assert bills in shipped.relations
    assert shipped.attributes["contract.id"] == Attribute(object_type="contract", namespace="clm")


def test_content_goes_through_json_and_back() -> None:
    shipped = load()
    assert parse(json.loads(json.dumps(shipped.content()))) == shipped


def test_a_user_adds_entries_and_replaces_those_of_the_same_name(tmp_path: Path) -> None:
    objects = """
objects:
  order: {root: true, master: shop, namespaces: [shop]}
  project: {owner: [contract], master: psa, namespaces: [psa, erp, s4]}
same_as:
  - {object: project, namespaces: [psa, erp], master: psa}
"""
    mapping = load(user(tmp_path, objects, erp="system: sap\ncadence: nightly\nservices: [erp]\n"))
    assert mapping.roots == {"contract", "order"}
    assert mapping.objects["project"].master == "psa"
    masters = [pair.master for pair in mapping.same_as if set(pair.namespaces) == {"psa", "erp"}]
    assert masters == ["psa"]
    assert system(mapping, "erp") == "sap"
    assert mapping.cadences["sap"] == "nightly"
    assert "erp" not in mapping.cadences


def system(mapping: Mapping, service: str) -> str | None:
    source = mapping.service(service)
    return source and source.system


def test_the_most_specific_pattern_names_the_system(tmp_path: Path) -> None:
    mapping = load(
        user(
            tmp_path,
            a="system: wide\ncadence: live\nservices: [x*]\nevents: ['/x/*']\n",
            b="system: narrow\ncadence: live\nservices: [x-y*]\nevents: ['/x/y/*']\n",
            c="system: exact\ncadence: live\nservices: [x-y]\n",
        )
    )
    assert [system(mapping, name) for name in ("x", "x-yz", "x-y", "z")] == [
        "wide",
        "narrow",
        "exact",
        None,
    ]
    found = mapping.event_source("/x/y/z")
    assert found is not None
    assert found.system == "narrow"
    assert mapping.event_source("/x") is None


def test_a_system_of_several_sources_has_the_most_patient_cadence(tmp_path: Path) -> None:
    mapping = load(user(tmp_path, files="system: erp\ncadence: nightly\nevents: [files]\n"))
    assert mapping.cadences["erp"] == "nightly"


def mastered(**given: str) -> str:
    """An objects file that masters an attribute `x`, one key a line from line 3 on."""
    sound = {"object": "contract", "master": "clm", "copies": "[erp]", "attribute": "a.b"}
    sound |= {"compare": "text", "within": "2 days"}
    lines = [f"    {key}: {value}" for key, value in (sound | given).items()]
    return "\n".join(["mastered:", "  x:", *lines])


@pytest.mark.parametrize(
    ("objects", "line", "key", "rule"),
    [
        ("objects:\n  a: {owner: [b], master: m, namespaces: [n]}", 2, "objects.a.owner[0]", "'b'"),
        (
            "objects:\n  a: {owner: [b], master: m, namespaces: [n]}\n"
            "  b: {owner: [a], master: m, namespaces: [n]}",
            2,
            "objects.a.owner",
            "own itself",
        ),
        (
            "objects:\n  a: {owner: [user], master: m, namespaces: [n]}",
            2,
            "owner[0]",
            "never links",
        ),
        ("objects:\n  a: {namespaces: [n]}", 2, "objects.a", "needs an owner"),
        ("objects:\n  a: {root: true, namespaces: [n]}", 2, "objects.a", "system of record"),
        ("objects:\n  a: {root: true, links: never, namespaces: [n]}", 2, "objects.a", "excludes"),
        (
            "objects:\n  a: {links: never, namespaces: [n], valid_from: a.from}",
            2,
            "objects.a.valid_from",
            "nothing is tied",
        ),
        (
            "objects:\n  a: {owner: [contract], master: erp, namespaces: [n], reused: true}",
            2,
            "objects.a.reused",
            "needs valid_from",
        ),
        (
            "objects:\n  a: {owner: [contract], master: erp, namespaces: [n], valid_from: x,"
            " valid_to: x}",
            2,
            "objects.a.valid_to",
            "another attribute",
        ),
        ("objects:\n  a: {root: 1, namespaces: [n]}", 2, "objects.a.root", "boolean"),
        ("objects:\n  a: {root: true}", 2, "objects.a", "'namespaces' is a required"),
        ("attributes:\n  x: {object: a, namespace: n}", 2, "attributes.x.object", "unknown"),
        ("attributes:\n\n  x: {object: invoice, namespace: n}", 3, "attributes.x.namespace", "'n'"),
        ("same_as:\n- {object: a, namespaces: [n, o]}", 2, "same_as[0].object", "unknown"),
        ("same_as:\n- {object: user, namespaces: [n, o]}", 2, "same_as[0].object", "never links"),
        ("same_as:\n- {object: project, namespaces: [erp, o]}", 2, "namespaces[1]", "'o'"),
        ("relations:\n- {name: r, from: invoice, to: a}", 2, "relations[0].to", "unknown"),
        ("namespaces:\n  moon: {case: upper}", 2, "namespaces.moon", "no object type"),
        ("namespaces:\n  erp: {case: big}", 2, "namespaces.erp.case", "letter case"),
        ("objects:\n  contract: {links: never, namespaces: [clm]}", 1, "objects", "root: true"),
        (mastered(object="a"), 3, "mastered.x.object", "unknown object type 'a'"),
        (mastered(object="user"), 3, "mastered.x.object", "never links"),
        (mastered(master="eerp"), 4, "mastered.x.master", "no source speaks for a system 'eerp'"),
        (mastered(copies="[psa, moon]"), 5, "mastered.x.copies[1]", "'moon'"),
        (mastered(copies="[psa, clm]"), 5, "mastered.x.copies", "'clm' is the master"),
        (mastered(copies="[]"), 5, "mastered.x.copies", "non-empty"),
        (mastered(names="{crm: a}"), 9, "mastered.x.names.crm", "neither the master nor a copy"),
        (mastered(compare="amount"), 2, "mastered.x", "'currency' is a required property"),
        (mastered(currency="a.b"), 9, "mastered.x.currency", "only an amount has a currency"),
        (mastered(compare="colour"), 7, "mastered.x.compare", "text"),
        (mastered(within="2 business days"), 8, "mastered.x.within", "an elapsed time"),
        (mastered(colour="red"), 2, "mastered.x", "'colour' was unexpected"),
    ],
)
def test_a_fault_names_file_line_key_and_rule(
    tmp_path: Path, objects: str, line: int, key: str, rule: str
) -> None:
    with pytest.raises(DefinitionErrors) as raised:
        load(user(tmp_path, objects))
    own = [error for error in raised.value.errors if error.file == tmp_path / "objects.yaml"]
    assert any(e.line == line and key in e.key and rule in e.rule for e in own), raised.value


def test_a_mastered_attribute_is_read_as_it_is_written(tmp_path: Path) -> None:
    given = mastered(names="{erp: net.value}", within="90 minutes")
    one = next(each for each in load(user(tmp_path, given)).mastered if each.name == "x")
    assert (one.systems, one.within) == (("clm", "erp"), timedelta(minutes=90))
    assert (one.carried_as("clm"), one.carried_as("erp")) == ("a.b", "net.value")
    assert one.wanted == {"a.b", "net.value"}


def test_a_shipped_attribute_may_name_a_system_whose_source_was_replaced(tmp_path: Path) -> None:
    mapping = load(user(tmp_path, erp="system: sap\ncadence: live\nservices: [erp]\n"))
    assert "erp" in next(one for one in mapping.mastered if one.name == "contract_value").copies


def test_all_faults_of_all_sources_are_told_at_once(tmp_path: Path) -> None:
    with pytest.raises(DefinitionErrors) as raised:
        load(user(tmp_path, a="system: x\n", b="system: x\ncadence: never\nservices: [x]\n"))
    assert {error.file.stem for error in raised.value.errors} == {"a", "b"}


def test_replacing_an_object_that_others_rely_on_is_a_fault_where_they_do(tmp_path: Path) -> None:
    objects = "objects:\n  project: {owner: [contract], master: erp, namespaces: [erp]}"
    with pytest.raises(DefinitionErrors, match=r"same_as\[2\].namespaces\[1\].*no namespace 'psa'"):
        load(user(tmp_path, objects))
