"""The steps of a journey, its passages and whole paths as HTML; every count opens its cases."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from dashboards import links
from dashboards.markup import Markup, chip, join, link, table, tag
from threadline.wire import PathEdge, Paths, PathStep, PathVariant, phrases

ODD = ("skips", "against", "failure")
START, FAILED = "start", ":failed"
STANDING = {
    "defined": "as defined",
    "parallel": "in parallel",
    "skips": "skips a step",
    "against": "against the order",
    "failure": "a failure",
}
TONES = {"defined": "good", "skips": "warning", "against": "bad", "failure": "bad"}
NONE_YET = ","  # a path without any act, as the API is asked for it

Address = Mapping[str, str]


def opened(count: int, address: Address, **part: str) -> Markup:
    """A number that opens to the cases behind it; none has nothing to open."""
    if not count:
        return tag("span", "0")
    return link(links.journeys(**address, **part), f"{count:,}")


def numbers(steps: Sequence[PathStep]) -> dict[str, int]:
    """The number of each step, the same in the lane, the picture and the paths."""
    return {step.step: place for place, step in enumerate(steps, start=1)}


def title(told: Paths, act: str) -> str:
    """An act with its number: `2 ERP project created`."""
    if act == START:
        return "Start"
    place = numbers(told.steps)[act.removesuffix(FAILED)]
    return f"{place} {next(node.title for node in told.nodes if node.act == act)}"


def which(titles: Mapping[str, str], part: Mapping[str, str]) -> str:
    """What the cases of a part have in common, in words."""
    if "waiting" in part:
        late = ", late" if "late" in part else ""
        return f"Waiting for “{titles.get(part['waiting'], part['waiting'])}”{late}"
    if "annotation" in part:
        name = part["annotation"]
        return f"With {phrases.ANNOTATION.get(name, name)}"
    if "variant" in part:
        acts = [act for act in part["variant"].split(",") if act]
        taken = " → ".join(_act(titles, act) for act in acts)
        return f"Took exactly this path: {taken}" if taken else "Nothing has happened yet"
    if "before" in part:
        return (
            f"“{_act(titles, part.get('act', ''))}” directly after “{_act(titles, part['before'])}”"
        )
    if "act" in part:
        return f"With “{_act(titles, part['act'])}”"
    return "Left the defined path at least once"


def _act(titles: Mapping[str, str], act: str) -> str:
    step = act.removesuffix(FAILED)
    failed = ": failed" if act.endswith(FAILED) else ""
    return ("start" if act == START else titles.get(step, step)) + failed


def lane(steps: Sequence[PathStep], address: Address) -> Markup:
    """The defined steps in their order, who waits at each, and how long it takes."""
    place = numbers(steps)
    return tag("div", *(_step(step, place, address) for step in steps), class_="tl-lane")


def _step(step: PathStep, place: Mapping[str, int], address: Address) -> Markup:
    waits = join([opened(step.waiting, address, waiting=step.step), " waiting"])
    late = chip(f"{step.late:,} late", "late")
    if step.late:
        late = link(links.journeys(**address, waiting=step.step, late="true"), late)
    failed = join([opened(step.failed, address, act=f"{step.step}{FAILED}"), " failed"])
    done = join([opened(step.closed, address, act=step.step), " done"])
    took = "not yet timed"
    if step.median_seconds is not None:
        took = (
            f"p50 {phrases.duration(step.median_seconds)}, p90 {phrases.duration(step.p90_seconds)}"
        )
    return tag(
        "div",
        tag("strong", f"{place[step.step]} {step.title}"),
        tag("span", f" {step.system}{_after(step, place)}", class_="tl-quiet-text"),
        tag("div", join([waits, *([late] if step.late else []), done, failed], " · ")),
        tag("div", took, class_="tl-quiet-text", title="from when it could begin to its closing"),
        class_="tl-step" + (" tl-bad" if step.late else ""),
    )


def _after(step: PathStep, place: Mapping[str, int]) -> str:
    return f", after {' and '.join(str(place[name]) for name in step.after)}" if step.after else ""


def passages(told: Paths, edges: Sequence[PathEdge], address: Address) -> Markup:
    """What followed directly upon what, how it stands to the definition, how often, how soon."""
    heads = ["After", "Came", "Which is", "Cases", "Times", "p50", "p90"]
    rows = [
        [
            title(told, edge.before),
            title(told, edge.act),
            _standing(edge.standing),
            opened(edge.cases, address, act=edge.act, before=edge.before),
            f"{edge.count:,}",
            phrases.duration(edge.median_seconds),
            phrases.duration(edge.p90_seconds),
        ]
        for edge in edges
    ]
    return table(heads, rows, numeric=[3, 4, 5, 6])


def _standing(standing: str) -> Markup:
    return chip(STANDING[standing], TONES.get(standing, "quiet"))


def variants(told: Paths, shown: Sequence[PathVariant], address: Address) -> Markup:
    """Whole paths by how many cases took exactly them, in the numbers of the steps."""
    rows = [
        [
            _path(told, variant),
            chip("deviates", "bad") if variant.deviates else chip("as defined", "good"),
            opened(variant.cases, address, variant=",".join(variant.path) or NONE_YET),
            phrases.quantity(variant.share, "ratio"),
        ]
        for variant in shown
    ]
    return table(["Path so far", "Which is", "Cases", "Share"], rows, numeric=[2, 3])


def _path(told: Paths, variant: PathVariant) -> Markup:
    if not variant.path:
        return tag("span", "nothing yet", class_="tl-quiet-text")
    place = numbers(told.steps)
    acts = []
    for act in variant.path:
        number, failed = place[act.removesuffix(FAILED)], act.endswith(FAILED)
        words = f"{number}✗" if failed else str(number)
        acts.append(tag("span", words, title=title(told, act), class_="tl-error" if failed else ""))
    return tag("span", join(acts, " → "))
