"""Plug-ins: each `plugins/*.py` says in `register(shop)` what it adds to the shop."""

import importlib.util

from django.conf import settings

from . import (
    # goal: discounts
    discounts,
    # end
    # goal: observers
    events,
    # end
    payments,
    # goal: repository
    repository,
    # end
    # goal: shipping
    shipping,
    # end
)


class Shop:
    """What a plug-in gets to see of the shop."""

    payment = staticmethod(payments.register)
    # goal: shipping
    shipping = staticmethod(shipping.register)
    # end
    # goal: discounts
    discount = staticmethod(discounts.register)
    # end
    # goal: observers
    listen = staticmethod(events.listen)
    # end
    # goal: repository
    repository = staticmethod(repository.use)
    # end


def load():
    for path in sorted((settings.BASE_DIR / "plugins").glob("[!_]*.py")):
        spec = importlib.util.spec_from_file_location(f"plugins.{path.stem}", path)
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        module.register(Shop())
