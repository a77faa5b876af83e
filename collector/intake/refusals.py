"""Why a request is not taken, in the words of HTTP and of gRPC."""

from __future__ import annotations

from http import HTTPStatus
from typing import ClassVar

from google.rpc import code_pb2

from threadline.errors import ThreadlineError


class Refusal(ThreadlineError):
    """Nothing of the request was kept; `outcome` is the word under which it is counted."""

    status: ClassVar[HTTPStatus]
    code: ClassVar[int]  # of google.rpc.Code
    outcome: ClassVar[str]

    def __init__(self, detail: str, retry_after: int | None = None) -> None:
        """`retry_after` is in seconds; None: sending it again will not help."""
        self.detail, self.retry_after = detail, retry_after
        super().__init__(detail)


class Malformed(Refusal):
    """The body or its headers are not what their content type says."""

    status = HTTPStatus.BAD_REQUEST
    code = code_pb2.INVALID_ARGUMENT
    outcome = "malformed"


class TooLarge(Refusal):
    """The body, as sent or decompressed, is over the limit."""

    status = HTTPStatus.REQUEST_ENTITY_TOO_LARGE
    code = code_pb2.RESOURCE_EXHAUSTED
    outcome = "too_large"

    @classmethod
    def beyond(cls, limit: int) -> TooLarge:
        """A body of more than `limit` bytes."""
        return cls(f"the body is larger than {limit} bytes; send fewer items in one request")


class Unsupported(Refusal):
    """The content type or encoding is not one that is read here."""

    status = HTTPStatus.UNSUPPORTED_MEDIA_TYPE
    code = code_pb2.INVALID_ARGUMENT
    outcome = "unsupported"


class Unavailable(Refusal):
    """The log cannot take it now."""

    status = HTTPStatus.SERVICE_UNAVAILABLE
    code = code_pb2.UNAVAILABLE
    outcome = "unavailable"


class TooMany(Refusal):
    """The sender asks more often than one sender may."""

    status = HTTPStatus.TOO_MANY_REQUESTS
    code = code_pb2.RESOURCE_EXHAUSTED
    outcome = "too_many"


class Unauthenticated(Refusal):
    """The sender has not proved who it is."""

    status = HTTPStatus.UNAUTHORIZED
    code = code_pb2.UNAUTHENTICATED
    outcome = "unauthenticated"


class Forbidden(Refusal):
    """The sender is known and may not speak for that source."""

    status = HTTPStatus.FORBIDDEN
    code = code_pb2.PERMISSION_DENIED
    outcome = "forbidden"
