"""Who asks: machines by tokens, people by their OpenID provider."""

from threadline.access.admission import admitted
from threadline.access.gate import Gate
from threadline.access.tokens import TokenBook, mint

__all__ = ["Gate", "TokenBook", "admitted", "mint"]
