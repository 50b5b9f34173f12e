"""Seats at the tastings: how they are booked, and how a booking moves."""

from django.db import transaction

from .models import Booking, Tasting


class SoldOut(Exception):
    """There is no seat left."""


# goal: no-oversell
@transaction.atomic
# end
def book(tasting_id, customer):
    """Gives a customer one of the seats that are left."""
    # goal: no-oversell
    # Who comes second waits here, and then sees what the first one has left.
    tasting = Tasting.objects.select_for_update().get(pk=tasting_id)
    # without
    #- tasting = Tasting.objects.get(pk=tasting_id)
    # end
    if tasting.left < 1:
        raise SoldOut
    tasting.left -= 1
    tasting.save(update_fields=["left"])
    return Booking.objects.create(tasting=tasting, customer=customer)


@transaction.atomic
def move(here_id, there_id, customer):
    """A customer's booking goes from here to there; nobody else changes the seats."""
    # goal: deadlock
    # In the same order whichever way somebody moves: who has the first one gets the
    # second one too, because all others still wait for the first.
    tastings = {
        pk: Tasting.objects.select_for_update().get(pk=pk)
        for pk in sorted([here_id, there_id])
    }
    here, there = tastings[here_id], tastings[there_id]
    # without
    #- here = Tasting.objects.select_for_update().get(pk=here_id)
    # end
    booking = here.bookings.get(customer=customer)
    # goal: deadlock
    # without
    #- there = Tasting.objects.select_for_update().get(pk=there_id)
    # end
    if there.left < 1:
        raise SoldOut
    here.left += 1
    here.save(update_fields=["left"])
    there.left -= 1
    there.save(update_fields=["left"])
    booking.tasting = there
    booking.save(update_fields=["tasting"])
    return booking
