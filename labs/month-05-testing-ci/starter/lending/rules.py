"""The rules of the house. Nothing else lends, takes back or reserves."""

from datetime import timedelta

from django.db import transaction

from lending.models import Loan, Reservation

MAX_OPEN_LOANS = 3
LOAN_DAYS = 14
EXTENSION_DAYS = 7
HOLD_DAYS = 3
# Fines are cents. One day late is forgiven; from the second on, every day counts.
GRACE_DAYS = 1
FINE_PER_DAY = 50
FINE_CAP = 1000


class RuleBroken(Exception):
    """Somebody wants what the rules do not allow."""

    def __init__(self, code, detail):
        super().__init__(detail)
        self.code = code
        self.detail = detail


def fine_for(days_late):
    if days_late <= GRACE_DAYS:
        return 0
    return min(days_late * FINE_PER_DAY, FINE_CAP)


def check_may_borrow(member, on):
    if not member.active:
        raise RuleBroken("inactive", "This membership is not active.")
    if member.open_loans().count() >= MAX_OPEN_LOANS:
        raise RuleBroken("too_many", f"At most {MAX_OPEN_LOANS} tools at a time.")
    if member.has_overdue(on):
        raise RuleBroken("overdue", "Something else should be back already.")
    if member.unpaid_fines() > 0:
        raise RuleBroken("fines", "There are unpaid fines.")


@transaction.atomic
def lend(tool, member, on, days=LOAN_DAYS, deposit=0):
    check_may_borrow(member, on)
    if tool.is_lent:
        raise RuleBroken("lent", "Somebody has this tool.")
    held = tool.reservations.filter(status=Reservation.Status.READY).first()
    if held and held.member != member:
        raise RuleBroken("held", "This tool is put aside for somebody else.")
    if deposit < tool.deposit:
        raise RuleBroken("deposit", f"A deposit of {tool.deposit} euros is needed.")
    if held:
        held.status = Reservation.Status.DONE
        held.save()
    return Loan.objects.create(
        tool=tool,
        member=member,
        lent_on=on,
        due_on=on + timedelta(days=days),
        deposit=deposit,
    )


@transaction.atomic
def give_back(loan, on):
    """Takes the tool back, and puts it aside for whoever waits."""
    if not loan.is_open:
        raise RuleBroken("returned", "This tool is back already.")
    loan.returned_on = on
    loan.fine = fine_for(loan.days_late(on))
    loan.save()
    hold_for_next(loan.tool, on)
    return loan


def hold_for_next(tool, on):
    reservation = tool.queue().first()
    if reservation is None:
        return None
    reservation.status = Reservation.Status.READY
    reservation.ready_until = on + timedelta(days=HOLD_DAYS)
    reservation.save()
    return reservation


def extend(loan, on):
    if not loan.is_open:
        raise RuleBroken("returned", "This tool is back already.")
    if loan.is_overdue(on):
        raise RuleBroken("overdue", "This tool should be back already.")
    if loan.extended:
        raise RuleBroken("extended", "A loan is extended once.")
    if loan.tool.queue().exists():
        raise RuleBroken("wanted", "Somebody waits for this tool.")
    loan.due_on += timedelta(days=EXTENSION_DAYS)
    loan.extended = True
    loan.save()
    return loan


def reserve(tool, member):
    active = tool.reservations.filter(status__in=Reservation.ACTIVE)
    if active.filter(member=member).exists():
        raise RuleBroken("reserved", "You wait for this tool already.")
    if not tool.is_lent and not active.exists():
        raise RuleBroken("available", "Nobody has this tool: come and take it.")
    if tool.loans.filter(member=member, returned_on__isnull=True).exists():
        raise RuleBroken("yours", "You have this tool.")
    return Reservation.objects.create(tool=tool, member=member)


@transaction.atomic
def cancel(reservation, on):
    """Whoever was next in the queue gets what was put aside."""
    if reservation.status not in Reservation.ACTIVE:
        raise RuleBroken("closed", "This reservation is closed already.")
    was_ready = reservation.status == Reservation.Status.READY
    reservation.status = Reservation.Status.CANCELLED
    reservation.save()
    if was_ready:
        hold_for_next(reservation.tool, on)


def expire_holds(on):
    """Cancels what nobody came for; returns how many that were."""
    stale = Reservation.objects.filter(
        status=Reservation.Status.READY, ready_until__lt=on
    )
    count = 0
    for reservation in stale:
        cancel(reservation, on)
        count += 1
    return count


def pay_fine(loan):
    if loan.fine == 0 or loan.fine_paid:
        raise RuleBroken("nothing_due", "There is nothing to pay.")
    loan.fine_paid = True
    loan.save()
    return loan
