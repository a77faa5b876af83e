"""What alert rules would have done over what is known."""

from threadline.replaying.replay import Replay, Ruled, replay

__all__ = ["Replay", "Ruled", "replay"]
