"""What do two threads gain, and what do two processes? Both do the same two jobs.

Prints how many times faster they are than one after the other.
"""

import json
import math
import time
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from functools import partial
from multiprocessing import get_context

from django.core.management.base import BaseCommand

from store.rounds import shortest_round

STOPS = [(5, 1), (-3, 4), (2, -6), (-4, -2), (7, 3), (-1, 8), (6, -5), (0, 9)]
WORK = {
    "computing": partial(shortest_round, STOPS),
    "waiting": partial(time.sleep, 0.05),
}
# Of so many runs the fastest counts: what slows down the others is something else.
RUNS = 10


def one_after_the_other(job):
    job()
    job()


def both_at_once(pool, job):
    for running in [pool.submit(job), pool.submit(job)]:
        running.result()


class Command(BaseCommand):
    def add_arguments(self, parser):
        parser.add_argument("work", choices=WORK)

    def handle(self, work, **options):
        job = WORK[work]
        with (
            ThreadPoolExecutor(2) as threads,
            ProcessPoolExecutor(2, mp_context=get_context("spawn")) as processes,
        ):
            # To start a process takes longer than many a job, and is not the question.
            both_at_once(processes, job)
            seconds = measure(
                {
                    "alone": partial(one_after_the_other, job),
                    "threads": partial(both_at_once, threads, job),
                    "processes": partial(both_at_once, processes, job),
                }
            )
        alone = seconds.pop("alone")
        gains = {way: round(alone / needed, 2) for way, needed in seconds.items()}
        self.stdout.write(json.dumps(gains))


def measure(ways):
    """The fastest run of each way, in seconds."""
    fastest = dict.fromkeys(ways, math.inf)
    for _ in range(RUNS):
        for name, way in ways.items():
            began = time.perf_counter()
            way()
            fastest[name] = min(fastest[name], time.perf_counter() - began)
    return fastest
