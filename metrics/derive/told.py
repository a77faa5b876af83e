"""What is known of some contracts, in the shape in which all journeys read it.

Ids stand as the numbers of a sorted enumeration, so that joins compare numbers and sorting keeps
the order of the texts; every fact is held once, whatever it speaks of.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import polars as pl

from metrics.derive.payloads import carries, names, text_of

SHAPE = ["name", "system", "kind", "outcome"]
_OBJECTS = ["root_id", "object_id", "owner_id"]
_ENDS = ["child_id", "parent_id"]
_VALIDITY = ["valid_from", "valid_to"]
_TOLD = ["at", "plausible", "received_at", "shape"]


@dataclass(frozen=True, kw_only=True)
class Told:
    """Facts in the order of their ids, and of what they speak.

    `facts`: fact (its row), fact_id, at, plausible (and with an instant), sampled, message,
    payload, the earliest received_at, shape, system and kind. `mentions`: fact, object_id,
    object_type, and at, plausible, received_at and shape of the fact. `shapes`: shape (its row),
    name, system, kind, outcome. `members` and `relations` as `derive` takes them, without
    repetitions.
    """

    facts: pl.DataFrame
    mentions: pl.DataFrame
    shapes: pl.DataFrame
    members: pl.DataFrame
    relations: pl.DataFrame
    _first: dict[str, pl.DataFrame] = field(default_factory=dict)

    def first(self, attribute: str) -> pl.DataFrame:
        """The earliest plausible fact of every object that carries an attribute.

        object_id, `text`, the attribute's, and at; of equal instants, the smallest fact.
        """
        if attribute not in self._first:
            # In two goes, because the cheap one leaves little for the expression.
            telling = self.facts.filter("plausible", pl.col("payload") != "{}")
            telling = telling.filter(names(attribute)).filter(carries(attribute))
            telling = telling.select("fact", text=text_of(telling["payload"], attribute))
            carriers = self.mentions.select("object_id", "at", "fact").join(telling, on="fact")
            carriers = carriers.sort("at", "fact").unique("object_id", keep="first")
            self._first[attribute] = carriers.select("object_id", "text", "at")
        return self._first[attribute]


def told(observations: pl.DataFrame, members: pl.DataFrame, relations: pl.DataFrame) -> Told:
    """The rows that `derive` takes, read once for all journeys."""
    ids = [members[name] for name in _OBJECTS] + [relations[name] for name in _ENDS]
    ids.append(observations["object_id"])
    objects = pl.Enum(pl.concat(ids).unique().sort())
    facts, shapes = _facts(observations)
    spoken = observations.select(
        "fact_id",
        pl.col("object_type").cast(pl.Categorical),
        pl.col("object_id").cast(objects),
    )
    numbered = spoken.join(facts.select("fact", "fact_id"), on="fact_id").drop("fact_id")
    mentions = numbered.unique()
    return Told(
        facts=facts,
        mentions=mentions.with_columns(facts[name].gather(mentions["fact"]) for name in _TOLD),
        shapes=shapes,
        members=members.select("object_type", pl.col(_OBJECTS).cast(objects), *_VALIDITY).unique(),
        relations=relations.select("kind", pl.col(_ENDS).cast(objects), *_VALIDITY).unique(),
    )


def _facts(observations: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
    alike = ["at", "plausible", "sampled", "message", "payload"]
    facts = observations.group_by("fact_id").agg(
        pl.col("received_at").min(),
        pl.col(alike).first(),
        pl.col(SHAPE).first().cast(pl.Categorical),
    )
    shapes = facts.select(SHAPE).unique().with_row_index("shape")
    # Sorting the ids alone and looking them up is twice as fast as sorting the rows.
    numbers = facts.select(pl.col("fact_id").sort()).with_row_index("fact")
    facts = facts.join(shapes, on=SHAPE).drop(SHAPE).join(numbers, on="fact_id").sort("fact")
    shapes = shapes.with_columns(pl.col(SHAPE).cast(pl.String))
    return facts.with_columns(
        plausible=pl.col("plausible") & pl.col("at").is_not_null(),
        system=shapes["system"].gather(facts["shape"]),
        kind=shapes["kind"].gather(facts["shape"]),
    ), shapes
