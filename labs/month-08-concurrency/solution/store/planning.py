"""The rounds of the vans. What is best for one has nothing to do with the others."""

# goal: processes
import threading
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context

# end
from .rounds import shortest_round
# goal: processes

_pool = None
_lock = threading.Lock()


def pool():
    """The processes that compute: started when they are first needed, and then kept."""
    global _pool
    with _lock:
        if _pool is None:
            # Not forked from here: a copy of a process with threads may hold a lock that
            # none of its own threads will ever release.
            context = get_context("forkserver")
            _pool = ProcessPoolExecutor(max_workers=2, mp_context=context)
    return _pool
# end


def plan(vans):
    """The shortest round for the stops of each van."""
    # goal: processes
    return list(pool().map(shortest_round, vans))
    # without
    #- return [shortest_round(stops) for stops in vans]
    # end
