"""XML as a tree whose nodes know their lines."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from xml.parsers import expat

from threadline.store.foreign import UnreadableFile


@dataclass(kw_only=True)
class Node:
    """An element: its name without namespace, its attributes, its text and what is inside it."""

    tag: str
    attributes: Mapping[str, str]
    line: int
    text: str = ""
    children: list[Node] = field(default_factory=list)

    def all(self, tag: str) -> Iterator[Node]:
        """The children of this name."""
        return (child for child in self.children if child.tag == tag)

    def inside(self, tag: str) -> list[Node]:
        """What is inside the children of this name."""
        return [inner for child in self.all(tag) for inner in child.children]


def parsed(file: Path, content: bytes) -> Node:
    """The root element; raises `UnreadableFile` with line and column.

    A document type is refused: its entities can make a small file endless.
    """
    parser = expat.ParserCreate(namespace_separator=" ")
    document = Node(tag="", attributes={}, line=0)
    open_ = [document]

    def start(tag: str, attributes: dict[str, str]) -> None:
        line = parser.CurrentLineNumber
        node = Node(tag=tag.rpartition(" ")[2], attributes=attributes, line=line)
        open_[-1].children.append(node)
        open_.append(node)

    def end(_: str) -> None:
        open_.pop()

    def text(data: str) -> None:
        open_[-1].text += data

    def doctype(*_: object) -> None:
        line = parser.CurrentLineNumber
        raise UnreadableFile(file, f"line {line}: a document type is not read; take it out")

    parser.StartElementHandler, parser.EndElementHandler = start, end
    parser.CharacterDataHandler, parser.StartDoctypeDeclHandler = text, doctype
    try:
        parser.Parse(content, True)
    except expat.ExpatError as error:
        place = f"line {error.lineno}, column {error.offset + 1}"
        raise UnreadableFile(file, f"{place}: {expat.errors.messages[error.code]}") from error
    return document.children[0]
