"""A world of contracts with known truth, played to a running service over the wire.

`World` is plain data drawn from a seed; `play` sends its history through the official exporters;
`live` lets it go on. The simulator knows nothing of the rooms that receive what it sends.
"""

from threadline.simulator.live import live
from threadline.simulator.play import Story, play
from threadline.simulator.rates import made_up
from threadline.simulator.services import NotDelivered
from threadline.simulator.world import Hero, LiveBreach, World

__all__ = ["Hero", "LiveBreach", "NotDelivered", "Story", "World", "live", "made_up", "play"]
