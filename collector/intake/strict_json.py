"""JSON that every reader reads alike: UTF-8, finite numbers, no halves of surrogate pairs."""

from __future__ import annotations

import json
import math
import re
from typing import Any, NoReturn

from collector.intake.refusals import Malformed

_SURROGATE = re.compile(r"\\u[dD][89a-fA-F]")


def parsed(content: bytes) -> Any:
    """The value of `content`; raises `Malformed` saying what is wrong and where."""
    try:
        text = content.decode("utf-8")
        value = json.loads(text, parse_constant=_refused, parse_float=_finite)
        if _SURROGATE.search(text):
            # A lone half has no UTF-8 form: no id could be derived from it, no store could keep it.
            json.dumps(value, ensure_ascii=False).encode("utf-8")
    except (ValueError, RecursionError) as error:
        raise Malformed(f"the body is not JSON: {error}") from error
    return value


def _refused(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is not a JSON value")


def _finite(digits: str) -> float:
    number = float(digits)
    if math.isinf(number):
        raise ValueError(f"{digits[:32]} is larger than any number")
    return number
