"""The shop's partners: a bank, an exchange and a carrier. Each of them takes its time."""

import httpx
from django.conf import settings

client = httpx.Client(
    base_url=settings.PARTNERS_URL,
    # Partners like us better when we are modest. Who finds no connection free within a
    # tenth of a second goes without.
    limits=httpx.Limits(max_connections=1),
    timeout=httpx.Timeout(10, pool=0.1),
)


class Away(Exception):
    """A partner could not be asked."""


class Refused(Exception):
    """The bank does not charge this card."""


def ask(method, path, **request):
    try:
        return client.request(method, path, **request)
    except httpx.HTTPError as error:
        raise Away(f"no answer from {path}") from error


def charge(email, amount):
    """Charges a customer's card and returns the charge, which can be given back."""
    answer = ask("POST", "/charges", json={"email": email, "amount": str(amount)})
    if answer.status_code == 402:
        raise Refused
    return answer.json()["charge"]


def refund(charge):
    ask("POST", "/refunds", json={"charge": charge})


def yen_rate():
    """How many yen a euro is worth, and for how many seconds the exchange keeps to it."""
    answer = ask("GET", "/rate")
    age = answer.headers["Cache-Control"].removeprefix("max-age=")
    return answer.json()["yen"], int(age)


def slots():
    """When the carrier could come. Each offer is good for the one who asked for it."""
    return ask("GET", "/slots").json()
