"""The README says what there is."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
import yaml
from pydantic import BaseModel

from threadline.cli import parser
from threadline.settings import Settings

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")


def test_every_setting_is_documented():
    undocumented = [name for name in _settings(Settings) if f"`{name}`" not in README]

    assert undocumented == []


def test_every_command_is_told_of_somewhere():
    known = next(iter(parser()._subparsers._group_actions)).choices
    words = README + (ROOT / "Makefile").read_text() + (ROOT / "docker-compose.yml").read_text()

    untold = [name for name in known if f"threadline {name}" not in words]

    assert [name for name in untold if f'"threadline", "{name}"' not in words] == []


def test_the_event_to_send_by_hand_is_json():
    found = re.search(r"-d '(\{.*?\})'", README, re.DOTALL)

    assert json.loads(found[1])["data"]["contract.id"] == "C-1"


@pytest.mark.parametrize("link", re.findall(r"\]\(([^)#]+)\)", README))
def test_what_is_linked_exists(link: str):
    assert (ROOT / link).exists()


def test_the_compose_file_is_yaml_with_the_services_told_of():
    services = yaml.safe_load((ROOT / "docker-compose.yml").read_text())["services"]

    assert {"threadline", "dashboards", "prometheus", "alertmanager"} <= services.keys()
    assert services["clickhouse"]["profiles"] == services["postgres"]["profiles"] == ["cluster"]


def _settings(model: type[BaseModel], prefix: str = "") -> list[str]:
    names = []
    for name, field in model.model_fields.items():
        kind = field.annotation
        if isinstance(kind, type) and issubclass(kind, BaseModel):
            names += _settings(kind, f"{prefix}{name}.")
        else:
            names.append(prefix + name)
    return names
