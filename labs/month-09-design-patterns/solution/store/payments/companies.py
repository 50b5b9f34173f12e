"""How one talks to a payment company, whichever it is."""

import logging

from .. import wire
from ..errors import Declined, Unavailable

logger = logging.getLogger(__name__)


class SignedOut(Unavailable):
    """It does not know us, or not any more."""


def ask(path, body, **headers):
    """What the company answers, if it is content with what we sent."""
    try:
        status, answer = wire.post(path, body, **headers)
    except OSError as error:
        logger.warning("%s: %s", path, error)
        raise Unavailable("The payment company does not answer.") from error
    if status == 402:
        raise Declined(answer["reason"])
    if status == 401:
        raise SignedOut("The payment company does not know us.")
    if status >= 400:
        logger.warning("%s: status %s", path, status)
        raise Unavailable("The payment company is out of order.")
    return answer
