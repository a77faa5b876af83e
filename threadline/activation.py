"""The definitions a service goes by: read from files, activated whole in the control store."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any, TypeVar

from alerts.duty import loading as duty
from alerts.duty.loading import Rotas
from alerts.maintenance import loading as maintenance
from alerts.maintenance.loading import Windows
from alerts.policy import Policies
from alerts.service import load_policies
from collector import mapping as mappings
from collector.mapping import Mapping as SourceMapping
from metrics import definitions as metric_definitions
from metrics.definitions import Definitions
from threadline import briefings, watching
from threadline.errors import DefinitionError, DefinitionErrors, SettingsError
from threadline.model.incidents import Briefing, Incident
from threadline.settings import Settings
from threadline.store.control import ControlStore
from threadline.store.control.store import Known

Loaded = TypeVar("Loaded")


@dataclass(frozen=True, kw_only=True)
class Derivation:
    """What derived rows depend on."""

    mapping: SourceMapping
    definitions: Definitions

    @property
    def wanted(self) -> frozenset[str]:
        """The attributes of facts that deriving reads; they travel with whom a fact speaks of."""
        return self.definitions.wanted | self.mapping.wanted

    @cached_property
    def digest(self) -> str:
        """Changes with whatever could make a derived row another one."""
        content = json.dumps(self.mapping.content(), sort_keys=True)
        return hashlib.sha256((content + self.definitions.digest).encode()).hexdigest()


@dataclass(frozen=True, kw_only=True)
class Active:
    """Everything declared."""

    derivation: Derivation
    policies: Policies
    rotas: Rotas
    windows: Windows

    def briefing(self, incident: Incident) -> Briefing:
        """What whoever is told of it needs to act."""
        return briefings.briefing(self.derivation.definitions, incident)


def load(settings: Settings) -> Active:
    """The shipped definitions and the user's over them.

    Raises `DefinitionErrors` with the faults of all files at once.
    """
    user = settings.definitions_dir
    if user is not None and not user.is_dir():
        raise SettingsError(f"setting definitions_dir: {user} is not a directory")
    directories = [] if user is None else [user]
    errors: list[DefinitionError] = []
    mapping = _collecting(errors, lambda: mappings.load(user))
    definitions = _collecting(errors, lambda: metric_definitions.load(*directories))
    rotas_named = duty.declared([place / "rotas" for place in directories])
    policies = _collecting(
        errors,
        lambda: load_policies(
            settings.alerts, [place / "policies" for place in directories], rotas_named
        ),
    )
    rotas, windows = _on_call(policies, directories, errors)
    if mapping is not None and definitions is not None and policies is not None:
        errors += watching.faults(policies, definitions, mapping)
    if mapping is None or definitions is None or policies is None or errors:
        raise DefinitionErrors(errors)
    return Active(
        derivation=Derivation(mapping=mapping, definitions=definitions),
        policies=policies,
        rotas=rotas or Rotas(),
        windows=windows or Windows(),
    )


def activate(active: Active, control: ControlStore) -> Active:
    """Append what changed to the control store; rebuilds read it from there, not from the files.

    The same, with the versions of journeys that were active before: they judge the cases that
    started in their time.
    """
    content: Mapping[str, Mapping[str, Any]] = {
        "mapping": active.derivation.mapping.content(),
        "metrics": active.derivation.definitions.content,
        "policies": active.policies.contents,
        "rotas": active.rotas.contents,
        "maintenance": active.windows.contents,
    }
    for kind, contents in content.items():
        control.definitions.activate(kind, contents)
    definitions = _since(active.derivation.definitions, control)
    return replace(active, derivation=replace(active.derivation, definitions=definitions))


def restore(control: Known) -> Derivation | None:
    """The definitions that were activated last; None where none ever were."""
    found = {kind: control.definitions.active(kind) for kind in ("mapping", "metrics")}
    if not all(found.values()):
        return None
    contents = {
        kind: {name: version.content for name, version in versions.items()}
        for kind, versions in found.items()
    }
    return Derivation(
        mapping=mappings.parse(contents["mapping"]),
        definitions=_since(metric_definitions.restore(contents["metrics"]), control),
    )


def revision(control: Known) -> int:
    """How often the mapping was changed: a decode of a later revision supersedes earlier ones."""
    return control.definitions.changes("mapping")


def _since(definitions: Definitions, control: Known) -> Definitions:
    return definitions.since(
        (at, {name: version.content for name, version in versions.items()})
        for at, versions in control.definitions.history("metrics")
    )


def _on_call(
    policies: Policies | None, directories: Sequence[Path], errors: list[DefinitionError]
) -> tuple[Rotas | None, Windows | None]:
    """Rotas are read only where the receivers that their members are told at are known."""
    windows = _collecting(
        errors, lambda: maintenance.load([place / "maintenance" for place in directories])
    )
    if policies is None:
        return None, windows
    known = policies.declared
    rotas = _collecting(
        errors, lambda: duty.load([place / "rotas" for place in directories], known)
    )
    return rotas, windows


def _collecting(errors: list[DefinitionError], read: Callable[[], Loaded]) -> Loaded | None:
    try:
        return read()
    except DefinitionErrors as broken:
        errors += broken.errors
        return None
