"""Events become the read model."""

import json
import socket

from django.db import transaction
from django.db.models import F

from .models import Balance, Projected


class Unreadable(Exception):
    """No program will ever understand this event."""


def read(value):
    try:
        event = json.loads(value)
        return {
            "event_id": str(event["event_id"]),
            "customer": str(event["customer"]),
            "number": int(event["number"]),
            "amount": int(event["amount"]),
        }
    except (ValueError, KeyError, TypeError) as error:
        raise Unreadable(repr(error)) from error


@transaction.atomic
def project(event):
    """The diary and the balance change together or not at all; an event that is in the diary changes nothing."""
    # goal: replay
    # Events of one customer come from one partition, and so from one projector at a time. An event that comes a
    # second time, after a crash or in a replay, is known by its id.
    if Projected.objects.filter(event_id=event["event_id"]).exists():
        return
    # end
    Projected.objects.create(
        event_id=event["event_id"],
        customer=event["customer"],
        number=event["number"],
        worker=socket.gethostname(),
    )
    Balance.objects.get_or_create(customer=event["customer"])
    Balance.objects.filter(customer=event["customer"]).update(orders=F("orders") + 1, total=F("total") + event["amount"])
