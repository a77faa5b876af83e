from pathlib import Path

import pytest

from threadline import definitions
from threadline.errors import DefinitionErrors

SCHEMA = {
    "type": "object",
    "additionalProperties": False,
    "properties": {
        "steps": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["name"],
                "properties": {
                    "name": {"type": "string", "description": "what the step is called"}
                },
            },
        }
    },
}


def test_every_fault_is_named_with_file_line_key_and_rule(tmp_path: Path):
    file = tmp_path / "journey.yaml"
    file.write_text("steps:\n  - name: a\n  - name: 3\n  - title: c\nstep: x\n")

    with pytest.raises(DefinitionErrors) as caught:
        definitions.read(file, SCHEMA)

    told = [(error.line, error.key) for error in caught.value.errors]
    assert told == [(1, ""), (3, "steps[1].name"), (4, "steps[2]")]
    assert "what the step is called" in str(caught.value)
    assert str(caught.value).startswith(f"{file}:1: ")


def test_text_that_is_not_yaml_is_named_with_its_line(tmp_path: Path):
    file = tmp_path / "journey.yaml"
    file.write_text("steps:\n  - name: [a\n")

    with pytest.raises(DefinitionErrors, match=r"journey\.yaml:3: \(top\): is not valid YAML"):
        definitions.read(file, SCHEMA)


def test_a_file_of_the_same_name_replaces_a_shipped_one(tmp_path: Path):
    ours, theirs = tmp_path / "ours", tmp_path / "theirs"
    for directory, name in [(ours, "a"), (ours, "b"), (theirs, "b"), (theirs, "c")]:
        directory.mkdir(exist_ok=True)
        (directory / f"{name}.yaml").write_text("steps: []\n")

    found = definitions.files(ours, theirs)

    assert found == [ours / "a.yaml", theirs / "b.yaml", theirs / "c.yaml"]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("a: !!python/object/apply:os.system ['true']\n", "could not determine a constructor"),
        (
            "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n"
            + "".join(f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]\n" for n in range(1, 10)),
            "aliases written out",
        ),
        ("a: &a [*a]\n", "aliases written out"),
        pytest.param("[" * 100_000 + "]" * 100_000, "aliases written out", id="nested"),
    ],
)
def test_a_file_that_would_do_or_grow_into_something_is_refused(tmp_path: Path, text, said):
    file = tmp_path / "bomb.yaml"
    file.write_text(text)

    with pytest.raises(DefinitionErrors, match=said):
        definitions.parse(file)
