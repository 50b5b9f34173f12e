"""What the library knows: members, tools, loans, and who waits for what."""

from django.conf import settings
from django.db import models
from django.db.models import Q, Sum


class Member(models.Model):
    user = models.OneToOneField(
        settings.AUTH_USER_MODEL,
        null=True,
        blank=True,
        on_delete=models.SET_NULL,
        related_name="member",
    )
    name = models.CharField(max_length=100)
    email = models.EmailField(unique=True)
    active = models.BooleanField(default=True)

    class Meta:
        ordering = ["name", "id"]

    def __str__(self):
        return self.name

    def open_loans(self):
        return self.loans.filter(returned_on__isnull=True)

    def has_overdue(self, on):
        """A loan that is due today is not overdue yet."""
        return self.open_loans().filter(due_on__lt=on).exists()

    def unpaid_fines(self):
        """In cents."""
        unpaid = self.loans.filter(fine_paid=False)
        return unpaid.aggregate(total=Sum("fine"))["total"] or 0


class ToolQuerySet(models.QuerySet):
    def available(self):
        """What can be taken home: not lent, not put aside for somebody, not retired."""
        lent = Loan.objects.filter(returned_on__isnull=True)
        held = Reservation.objects.filter(status=Reservation.Status.READY)
        return (
            self.filter(retired=False)
            .exclude(pk__in=lent.values("tool"))
            .exclude(pk__in=held.values("tool"))
        )


class Tool(models.Model):
    # Euros. What is worth as much or more is lent against a deposit.
    DEPOSIT_FROM = 100

    class Category(models.TextChoices):
        GARDEN = "garden"
        WOOD = "wood"
        METAL = "metal"
        PAINT = "paint"

    code = models.CharField(max_length=6, unique=True)
    name = models.CharField(max_length=100)
    category = models.CharField(max_length=10, choices=Category.choices)
    value = models.PositiveIntegerField()
    retired = models.BooleanField(default=False)

    objects = ToolQuerySet.as_manager()

    class Meta:
        ordering = ["code"]

    def __str__(self):
        return f"{self.code} {self.name}"

    @property
    def deposit(self):
        """A fifth of the value, in euros, where a deposit is asked at all."""
        if self.value < self.DEPOSIT_FROM:
            return 0
        return self.value // 5

    @property
    def is_lent(self):
        return self.loans.filter(returned_on__isnull=True).exists()

    def queue(self):
        """Who waits, first come first."""
        return self.reservations.filter(status=Reservation.Status.WAITING)


class Loan(models.Model):
    tool = models.ForeignKey(Tool, on_delete=models.PROTECT, related_name="loans")
    member = models.ForeignKey(Member, on_delete=models.PROTECT, related_name="loans")
    lent_on = models.DateField()
    due_on = models.DateField()
    returned_on = models.DateField(null=True, blank=True)
    extended = models.BooleanField(default=False)
    deposit = models.PositiveIntegerField(default=0)
    # Cents, known when the tool is back.
    fine = models.PositiveIntegerField(default=0)
    fine_paid = models.BooleanField(default=False)

    class Meta:
        ordering = ["-lent_on", "-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["tool"],
                condition=Q(returned_on__isnull=True),
                name="one_open_loan_per_tool",
            )
        ]

    def __str__(self):
        return f"{self.tool.code} to {self.member}"

    @property
    def is_open(self):
        return self.returned_on is None

    def days_late(self, on):
        """Until the tool came back, or until `on` if it has not."""
        until = self.returned_on or on
        return max(0, (until - self.due_on).days)

    def is_overdue(self, on):
        return self.is_open and self.days_late(on) > 0


class Reservation(models.Model):
    class Status(models.TextChoices):
        WAITING = "waiting"
        READY = "ready"
        DONE = "done"
        CANCELLED = "cancelled"

    ACTIVE = [Status.WAITING, Status.READY]

    tool = models.ForeignKey(
        Tool, on_delete=models.CASCADE, related_name="reservations"
    )
    member = models.ForeignKey(
        Member, on_delete=models.CASCADE, related_name="reservations"
    )
    created_at = models.DateTimeField(auto_now_add=True)
    status = models.CharField(
        max_length=10, choices=Status.choices, default=Status.WAITING
    )
    # How long the tool is put aside, once it is this member's turn.
    ready_until = models.DateField(null=True, blank=True)

    class Meta:
        ordering = ["id"]

    def __str__(self):
        return f"{self.member} for {self.tool.code}"

    @property
    def position(self):
        """1 is next; 0 is nobody who waits."""
        if self.status != self.Status.WAITING:
            return 0
        return self.tool.queue().filter(id__lt=self.id).count() + 1
