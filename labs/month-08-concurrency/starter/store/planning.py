"""The rounds of the vans. What is best for one has nothing to do with the others."""

from .rounds import shortest_round


def plan(vans):
    """The shortest round for the stops of each van."""
    return [shortest_round(stops) for stops in vans]
