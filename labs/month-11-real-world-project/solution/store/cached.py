"""Products as visitors see them, kept in Redis for some minutes.

What is kept bears the product's version in its name. A change gives the product another version once it is committed.
Whatever a slow reader keeps after that has a name that nobody asks for.
"""

import logging
import uuid

from django.core.cache import cache
from redis.exceptions import RedisError

log = logging.getLogger("shop")
VERSIONS = 600


def product(sku, describe):
    """What `describe` says of the product, or what it said last."""
    try:
        name = f"product:{sku}:{cache.get_or_set(f'version:{sku}', fresh, VERSIONS)}"
        found = cache.get(name)
    except RedisError:
        return describe(sku)
    if found is None:
        found = describe(sku)
        try:
            cache.set(name, found)
        except RedisError as error:
            log.warning("a product is not kept: %s", error)
    return found


def forget(sku):
    try:
        cache.set(f"version:{sku}", fresh(), VERSIONS)
    except RedisError as error:
        # RUNBOOK.md, "Prices are old".
        log.error("an old price may be shown for %s: %s", sku, error)


def fresh():
    return uuid.uuid4().hex
