"""The one place that decides who asks."""

from __future__ import annotations

from collections.abc import Mapping

from threadline.access.oidc import People
from threadline.access.pace import Pace
from threadline.access.tokens import PREFIX, TokenBook
from threadline.errors import NotAllowed, NotProven
from threadline.model.people import ANONYMOUS, Principal, Token

SOURCE_HEADER = "x-threadline-source"  # which of its sources a sender with several speaks for
OPEN_SOURCE = "open"  # the source of every sender where none has to say who it is


class Gate:
    """Knows machines by `tokens` and people by `people` (None: nobody signs in).

    Where nothing is `required`, nobody signs in and no token was ever made, it is open: everybody
    is `ANONYMOUS`, every sender is `open`. The first token closes it, within a refresh. Whoever has
    proved who it is keeps to a pace, if there is one: a token or a person is one client.
    """

    def __init__(
        self,
        tokens: TokenBook,
        people: People | None,
        *,
        required: bool,
        input_pace: Pace | None = None,
        question_pace: Pace | None = None,
    ) -> None:
        self.tokens, self._people, self._required = tokens, people, required
        self._input_pace, self._question_pace = input_pace, question_pace

    @property
    def open(self) -> bool:
        """Whether nobody has to prove anything."""
        return not (self._required or self._people or self.tokens.ever)

    def principal(self, authorization: str) -> Principal:
        """Who sends this `Authorization` header. Raises `NotProven`, `ProofUnknown`, `TooOften`."""
        if self.open:
            return ANONYMOUS
        found = self._known(authorization)
        if self._question_pace:
            self._question_pace.take(found.subject)
        return found

    def _known(self, authorization: str) -> Principal:
        text = _bearer(authorization)
        if text.startswith(PREFIX):
            token = self.tokens.find(text)
            return Principal(
                who=f"token {token.name}", roles=token.roles, subject=f"token:{token.id}"
            )
        if self._people is None:
            raise NotProven("this is no token of Threadline, and nobody signs in here")
        return self._people.find(text)

    def sender(self, headers: Mapping[str, str]) -> str:
        """The source that a sender with these headers (names in lower case) speaks for.

        Raises `NotProven`, `ProofUnknown`, `TooOften`, or `NotAllowed` for a source that is not its
        own.
        """
        if self.open:
            return OPEN_SOURCE
        text = _bearer(headers.get("authorization", ""))
        if not text.startswith(PREFIX):
            raise NotProven("input needs a token of a machine: threadline token create --source …")
        token = self.tokens.find(text)
        if self._input_pace:
            self._input_pace.take(token.id)
        return _source(token, headers.get(SOURCE_HEADER, ""))


def _bearer(authorization: str) -> str:
    scheme, _, text = authorization.strip().partition(" ")
    if scheme.lower() != "bearer" or not text.strip():
        raise NotProven("send the header Authorization: Bearer with a token")
    return text.strip()


def _source(token: Token, asked: str) -> str:
    if not token.sources:
        raise NotAllowed(f"the token {token.name!r} may not send input: it names no source")
    if not asked and len(token.sources) == 1:
        return token.sources[0]
    if asked not in token.sources:
        said = f"{asked!r} is not" if asked else f"the header {SOURCE_HEADER} has to be"
        raise NotAllowed(f"{said} one of the token's sources: {', '.join(token.sources)}")
    return asked
