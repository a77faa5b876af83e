"""The HTTP API: reads what was derived, and passes on what people decide about incidents."""

from threadline.api.application import create_api
from threadline.api.services import ApiServices

__all__ = ["ApiServices", "create_api"]
