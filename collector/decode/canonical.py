"""The one way of writing values as JSON, byte for byte what the SQL of the columnar decoder writes.

Keys are sorted by their written form, there are no blanks, and numbers are written as ECMAScript
does, so that the order of attributes and the spelling of a sender change no hash.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from hashlib import sha256
from typing import Any

_ESCAPES = {code: f"\\u{code:04X}" for code in [*range(0x20), 0x2028, 0x2029]} | {
    ord("\b"): "\\b",
    ord("\f"): "\\f",
    ord("\n"): "\\n",
    ord("\r"): "\\r",
    ord("\t"): "\\t",
    ord('"'): '\\"',
    ord("\\"): "\\\\",
}


def string(value: str) -> str:
    """A JSON string."""
    return f'"{value.translate(_ESCAPES)}"'


def number(value: float) -> str:
    """The shortest digits that give `value` again; `nan`, `-nan`, `inf`, `-inf` beyond them."""
    if math.isnan(value):
        return "-nan" if math.copysign(1, value) < 0 else "nan"
    if math.isinf(value):
        return repr(value)
    mantissa, _, exponent = repr(value).partition("e")
    sign, mantissa = ("-", mantissa[1:]) if mantissa.startswith("-") else ("", mantissa)
    whole, _, fraction = mantissa.partition(".")
    fraction = fraction.rstrip("0")
    digits = (whole + fraction).lstrip("0")
    point = len(whole) + int(exponent or 0) - (len(whole + fraction) - len(digits))
    return sign + _placed(digits.rstrip("0"), point)


def _placed(digits: str, point: int) -> str:
    if not digits:
        return "0"
    if 0 < point <= 21:
        whole, fraction = digits[:point].ljust(point, "0"), digits[point:]
        return f"{whole}.{fraction}" if fraction else whole
    if -6 < point <= 0:
        return f"0.{'0' * -point}{digits}"
    fraction = f".{digits[1:]}" if len(digits) > 1 else ""
    return f"{digits[0]}{fraction}e{point - 1}"


def value(given: Any) -> str:
    """Any value: None, bool, int, float, str, lists and mappings of them."""
    match given:
        case None:
            return "null"
        case bool():
            return "true" if given else "false"
        case int():
            # Beyond 64 bits a number would lose digits in most readers, so it is written as text.
            return str(given) if -(2**63) <= given < 2**64 else string(str(given))
        case float():
            return number(given) if math.isfinite(given) else string(number(given))
        case str():
            return string(given)
        case Mapping():
            return object_of((key, value(item)) for key, item in given.items())
        case _:
            return f"[{','.join(value(item) for item in given)}]"


def object_of(pairs: Iterable[tuple[str, str]]) -> str:
    """A JSON object of keys and already written values."""
    written = [f"{string(key)}:{item}".encode() for key, item in pairs]
    return "{" + b",".join(sorted(written)).decode() + "}"


def texts(given: Any) -> list[str]:
    """What a value says when it is read as identifiers: one text, or one per item of an array."""
    return [text(item) for item in given] if isinstance(given, list) else [text(given)]


def text(given: Any) -> str:
    """A value as plain text: strings as they are, nothing as '', the rest as JSON."""
    if isinstance(given, str):
        return given
    return "" if given is None else value(given).strip('"')


def digest(lines: Iterable[str]) -> bytes:
    """SHA-256 over canonical content."""
    return sha256("\n".join(lines).encode()).digest()


def hash_of(digested: bytes) -> int:
    """The 64-bit content hash of a digest."""
    return int.from_bytes(digested[:8], "little")


def fact_id(*parts: str) -> str:
    """The id of a fact from what it is known by."""
    return sha256("|".join(parts).encode()).hexdigest()[:32]
