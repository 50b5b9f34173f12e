"""The suppliers' exchange: twelve suppliers behind one address."""

import json
from urllib.parse import urlencode
from urllib.request import Request, urlopen

from django.conf import settings

SUPPLIERS = range(1, 13)

# Seconds without a byte, after which an answer is given up.
TIMEOUT = 30


class Exchange:
    """A session at the exchange. To log in takes a moment; a session never ends."""

    def __init__(self):
        login = Request(f"{settings.EXCHANGE_URL}/login", method="POST")
        self.token = fetch(login)["token"]

    def price(self, supplier, sku):
        """What this supplier wants for the product, in cents."""
        question = urlencode({"supplier": supplier, "sku": sku})
        headers = {"Authorization": f"Bearer {self.token}"}
        url = f"{settings.EXCHANGE_URL}/quote?{question}"
        return fetch(Request(url, headers=headers))["price"]


def fetch(request):
    with urlopen(request, timeout=TIMEOUT) as answer:
        return json.load(answer)


_exchange = None


def exchange():
    """The session of this process."""
    global _exchange
    if _exchange is None:
        _exchange = Exchange()
    return _exchange
