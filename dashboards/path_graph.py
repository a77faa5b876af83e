"""The path that was really taken as a graph in the DOT language, laid out by the browser."""

from __future__ import annotations

from collections.abc import Mapping
from textwrap import wrap

from dashboards import links
from dashboards.path_parts import FAILED, START, title
from threadline.wire import PathEdge, Paths, phrases

SHARE = 0.05  # of the cases: rarer passages are drawn only where they leave the order,
FEW = 12  # or where there are no more than so many
KEY = (
    "Blue as defined, grey in parallel, dashed and named where it skips a step, goes against the"
    " order or fails. On each arrow how many cases, and the median time."
)
COLORS = {
    "defined": "#1f5f8b",
    "parallel": "#7b8894",
    "skips": "#8a4b06",
    "against": "#b3261e",
    "failure": "#b3261e",
}
NAMED = {"skips": "skips", "against": "against"}
THICKEST = 4.0  # pixels
LINE = 18  # letters


def drawn(told: Paths) -> list[PathEdge]:
    """The passages that are in the picture."""
    if len(told.edges) <= FEW:
        return told.edges
    return [
        edge
        for edge in told.edges
        if edge.standing in NAMED or edge.cases >= max(2, SHARE * told.cases)
    ]


def graph(told: Paths, address: Mapping[str, str]) -> str:
    """Acts as nodes, what followed directly upon what as arrows that open their cases."""
    edges = drawn(told)
    seen = dict.fromkeys(act for edge in edges for act in (edge.before, edge.act))
    lines = [
        'rankdir=TB; bgcolor="transparent"; nodesep=0.2; ranksep=0.3;',
        'node [shape=box, style="rounded,filled", fillcolor="#f2f6f9", color="#1f5f8b",'
        ' fontname="sans-serif", fontsize=13];',
        'edge [fontname="sans-serif", fontsize=11];',
        *(_node(told, act, address) for act in seen),
        *(_edge(told, edge, address) for edge in edges),
    ]
    return "digraph {" + "\n".join(lines) + "}"


def _node(told: Paths, act: str, address: Mapping[str, str]) -> str:
    if act == START:
        return f'{_quoted(act)} [label="Start", shape=ellipse];'
    count = next(node.cases for node in told.nodes if node.act == act)
    label = "\n".join([*wrap(title(told, act), LINE), f"{count:,} case{'s' if count != 1 else ''}"])
    failed = ', color="#b3261e", fillcolor="#fbefee"' if act.endswith(FAILED) else ""
    opens = links.journeys(**address, act=act)
    return f"{_quoted(act)} [label={_quoted(label)}, {_link(opens)}{failed}];"


def _edge(told: Paths, edge: PathEdge, address: Mapping[str, str]) -> str:
    named = f"{NAMED[edge.standing]}: " if edge.standing in NAMED else ""
    label = f" {named}{edge.cases:,} · {phrases.duration(edge.median_seconds)} "
    color = COLORS[edge.standing]
    width = 1 + (THICKEST - 1) * edge.cases / told.cases
    weight = 8 if edge.standing == "defined" else 1
    style = "solid" if edge.standing in ("defined", "parallel") else "dashed"
    opens = links.journeys(**address, act=edge.act, before=edge.before)
    return (
        f"{_quoted(edge.before)} -> {_quoted(edge.act)} [label={_quoted(label)}, {_link(opens)},"
        f' color="{color}", fontcolor="{color}", penwidth={width:.1f}, style={style},'
        f" weight={weight}];"
    )


def _link(address: str) -> str:
    return f'URL={_quoted(address)}, target="_self"'


def _quoted(words: str) -> str:
    """A string of the DOT language."""
    escaped = words.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'"{escaped}"'
