"""Seats at the tastings: how they are booked, and how a booking moves."""

from django.db import transaction

from .models import Booking, Tasting


class SoldOut(Exception):
    """There is no seat left."""


def book(tasting_id, customer):
    """Gives a customer one of the seats that are left."""
    tasting = Tasting.objects.get(pk=tasting_id)
    if tasting.left < 1:
        raise SoldOut
    tasting.left -= 1
    tasting.save(update_fields=["left"])
    return Booking.objects.create(tasting=tasting, customer=customer)


@transaction.atomic
def move(here_id, there_id, customer):
    """A customer's booking goes from here to there; nobody else changes the seats."""
    here = Tasting.objects.select_for_update().get(pk=here_id)
    booking = here.bookings.get(customer=customer)
    there = Tasting.objects.select_for_update().get(pk=there_id)
    if there.left < 1:
        raise SoldOut
    here.left += 1
    here.save(update_fields=["left"])
    there.left -= 1
    there.save(update_fields=["left"])
    booking.tasting = there
    booking.save(update_fields=["tasting"])
    return booking
