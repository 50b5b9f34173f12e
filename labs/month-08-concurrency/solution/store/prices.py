"""What the suppliers want for a product."""

# goal: fan-out
# goal: patience
import logging
# end
from concurrent import futures

# end
from .exchange import SUPPLIERS, exchange
# goal: fan-out
# goal: patience

logger = logging.getLogger(__name__)

# Seconds that a page has for all of its suppliers together.
PATIENCE = 3
# end
# goal: bounded

# One pool for the process: so many questions at once, however many visitors there are.
POOL = futures.ThreadPoolExecutor(max_workers=12, thread_name_prefix="quotes")
# end
# end


def page(sku):
    """Quotes in the order of the suppliers, and who is missing."""
    session = exchange()
    # goal: fan-out
    # goal: bounded
    asked = {one: POOL.submit(session.price, one, sku) for one in SUPPLIERS}
    # without
    #- pool = futures.ThreadPoolExecutor(max_workers=len(SUPPLIERS))
    #- asked = {one: pool.submit(session.price, one, sku) for one in SUPPLIERS}
    #- pool.shutdown(wait=False)
    # end
    # goal: patience
    prices = answers_in_time(asked)
    # without
    #- prices = {one: answer.result() for one, answer in asked.items()}
    # end
    # without
    #- prices = {one: session.price(one, sku) for one in SUPPLIERS}
    # end
    return {
        "sku": sku,
        "quotes": [{"supplier": one, "price": prices[one]} for one in prices],
        "missing": [one for one in SUPPLIERS if one not in prices],
    }
# goal: fan-out
# goal: patience


def answers_in_time(asked):
    """Prices of the suppliers that answered well before the patience was over."""
    futures.wait(asked.values(), timeout=PATIENCE)
    prices = {}
    for supplier, answer in asked.items():
        # A question that nobody has asked so far is not to be asked any more.
        if answer.cancel() or not answer.done():
            logger.warning("supplier %s takes too long", supplier)
        elif error := answer.exception():
            logger.warning("supplier %s: %s", supplier, error)
        else:
            prices[supplier] = answer.result()
    return prices
# end
# end
