"""What the shop remembers, and until when."""

# goal: stampede
import time
# end
# goal: invalidation
import uuid
# end

from django.core.cache import cache

from . import catalogue

REMEMBERED = 600
# goal: stampede
# Longer than the depot ever takes: who computes must not be taken for dead.
PATIENCE = 60
# end


def product(sku):
    """What `catalogue.describe` says, at most ten minutes old."""
    # goal: invalidation
    key = f"product:{sku}:{version(sku)}"
    # without
    #- key = f"product:{sku}"
    # end
    # goal: stampede
    while (found := cache.get(key)) is None:
        if cache.add(f"{key}:busy", True, PATIENCE):
            try:
                return cache.get(key) or remember(key, sku)
            finally:
                cache.delete(f"{key}:busy")
        time.sleep(0.05)
    return found
    # without
    #- return cache.get(key) or remember(key, sku)
    # end


def remember(key, sku):
    found = catalogue.describe(sku)
    cache.set(key, found, REMEMBERED)
    return found
# goal: invalidation


def version(sku):
    """Another one after each change.

    Whoever reads asks for it before looking into the database. What was made of an old
    row is then kept under an old name, where nobody looks.
    """
    return cache.get_or_set(f"version:{sku}", new_version, 2 * REMEMBERED)


def forget(sku):
    cache.set(f"version:{sku}", new_version(), 2 * REMEMBERED)


def new_version():
    return uuid.uuid4().hex
# end
