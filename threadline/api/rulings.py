"""Rulings: what people decided about ties, and deciding."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query

from collector.identity.ties import BELONGS_TO, SAME_AS
from threadline.api.access import requires
from threadline.api.problems import Refusal
from threadline.api.services import ApiServices, Services
from threadline.model.identifiers import Identifier
from threadline.model.people import Permission
from threadline.store.control.rulings import Ruling as Ruled
from threadline.wire import Page, Ruling, RulingRequest

Limit = Annotated[int, Query(ge=1, le=500)]

router = APIRouter(
    prefix="/rulings", tags=["identity"], dependencies=[requires(Permission.THREADS)]
)


@router.get("")
def page(services: Services, limit: Limit = 100, cursor: int | None = None) -> Page[Ruling]:
    """What people have ruled, the newest first."""
    made = services.rulings.latest(limit + 1, cursor)
    following = str(made[limit - 1].number) if len(made) > limit else None
    return Page(items=[told(one) for one in made[:limit]], next=following)


@router.post("", status_code=201, dependencies=[requires(Permission.RULING)])
def rule(services: Services, asked: RulingRequest) -> Ruling:
    """Decide that a tie holds (assert), does not (retract), or leave it to the evidence (lift).

    It takes effect everywhere, usually within a second, for all facts past and to come.
    """
    child, parent = _parsed("child", asked.child), _parsed("parent", asked.parent)
    _require_sense(services, asked.kind, child, parent)
    who = services.asker.named(asked.actor)
    why = asked.why.strip()
    made = services.rulings.rule(asked.act, asked.kind, child, parent, who=who, why=why)
    return told(made)


def told(made: Ruled) -> Ruling:
    """A ruling as the API shows it."""
    return Ruling(**vars(made) | {"child": str(made.child), "parent": str(made.parent)})


def _parsed(end: str, text: str) -> Identifier:
    try:
        return Identifier.parse(text.strip())
    except ValueError as error:
        raise Refusal(422, f"{end}: {error}") from error


def _require_sense(services: ApiServices, kind: str, child: Identifier, parent: Identifier) -> None:
    """Refuse a ruling on a tie that no evidence could ever make."""
    objects = services.mapping.objects
    for end, one in (("child", child), ("parent", parent)):
        declared = objects.get(one.object_type)
        if declared is None or not declared.links:
            raise Refusal(422, f"{end}: {one.object_type!r} is no object type that can be tied")
        written = services.mapping.normalised(one.namespace, one.value)
        if one.namespace not in declared.namespaces or written != one.value:
            raise Refusal(422, f"{end}: {one} is not how an identifier of that type is written")
    if child == parent:
        raise Refusal(422, "parent: is the same identifier as the child")
    relations = {
        (relation.name, relation.child, relation.parent) for relation in services.mapping.relations
    }
    sensible = {
        SAME_AS: child.object_type == parent.object_type,
        BELONGS_TO: parent.object_type in objects[child.object_type].owners,
    }.get(kind, (kind, child.object_type, parent.object_type) in relations)
    if not sensible:
        types = f"{child.object_type} and {parent.object_type}"
        raise Refusal(422, f"kind: {types} cannot be tied by {kind!r} (see objects.yaml)")
