"""Who sends, as the gate knows it, in the words of intake."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from collector.intake.reception import Authenticate
from collector.intake.refusals import Forbidden, TooMany, Unauthenticated, Unavailable
from threadline.errors import NotAllowed, NotProven, ProofUnknown, TooOften

_RETRY_SECONDS = 5


class Senders(Protocol):
    """Gives the source that headers prove; see `threadline.access.Gate.sender`."""

    def sender(self, headers: Mapping[str, str]) -> str: ...


def known_to(gate: Senders) -> Authenticate:
    """Authentication by `gate`: what it refuses is refused to the sender with its reason."""

    def authenticate(headers: Mapping[str, str]) -> str:
        try:
            return gate.sender(headers)
        except NotProven as error:
            raise Unauthenticated(error.reason) from error
        except NotAllowed as error:
            raise Forbidden(str(error)) from error
        except TooOften as error:
            raise TooMany(str(error), error.retry_after) from error
        except ProofUnknown as error:
            raise Unavailable(str(error), _RETRY_SECONDS) from error

    return authenticate
