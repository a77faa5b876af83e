"""What a request says its body is."""

from __future__ import annotations

from dataclasses import dataclass

from collector.intake.refusals import Unsupported

PROTOBUF = "application/x-protobuf"
JSON = "application/json"
_UTF8 = ("", "utf-8", "utf8", "us-ascii")


@dataclass(frozen=True, kw_only=True)
class Media:
    """A media type in lower case, without parameters, and its charset ('' when none is given)."""

    type: str
    charset: str = ""

    @classmethod
    def parse(cls, content_type: str) -> Media:
        """The media of a `Content-Type` value; an empty one has the type ''."""
        kind, *parameters = content_type.split(";")
        charset = ""
        for parameter in parameters:
            name, _, value = parameter.partition("=")
            if name.strip().lower() == "charset":
                charset = value.strip().strip('"').lower()
        return cls(type=kind.strip().lower(), charset=charset)

    @property
    def is_json(self) -> bool:
        """Whether RFC 6839 reads it as JSON."""
        return self.type.endswith(("/json", "+json"))

    def require(self, *types: str) -> None:
        """Raises `Unsupported` unless it is one of `types`, in UTF-8 where it is text."""
        if self.type not in types:
            given = self.type or "none"
            raise Unsupported(f"content type {given}: send {' or '.join(types)}")
        if self.is_json and self.charset not in _UTF8:
            raise Unsupported(f"charset {self.charset}: JSON is read as UTF-8")


def encoding(header: str) -> str:
    """A `Content-Encoding` as the log keeps it: '' or 'gzip'; raises `Unsupported`."""
    match header.strip().lower():
        case "" | "identity":
            return ""
        case "gzip" | "x-gzip":
            return "gzip"
        case other:
            raise Unsupported(f"content encoding {other}: send gzip or none")


def content_type(header: str) -> str:
    """A `Content-Type` as the log keeps it: its type in lower case, its parameters as they came."""
    kind, semicolon, parameters = header.partition(";")
    return kind.strip().lower() + semicolon + parameters
