"""What comes in and what goes out."""

import re

from django.utils import timezone
from rest_framework import serializers

from lending import rules
from lending.models import Loan, Member, Reservation, Tool

CODE = re.compile(r"[A-Z]{2}-\d{3}")


class MemberSerializer(serializers.ModelSerializer):
    email = serializers.EmailField()
    open_loans = serializers.SerializerMethodField()
    unpaid_fines = serializers.IntegerField(read_only=True)

    class Meta:
        model = Member
        fields = ["id", "name", "email", "active", "open_loans", "unpaid_fines"]

    def get_open_loans(self, member):
        return member.open_loans().count()

    def validate_email(self, email):
        email = email.lower()
        same = Member.objects.filter(email=email)
        if self.instance:
            same = same.exclude(pk=self.instance.pk)
        if same.exists():
            raise serializers.ValidationError("Somebody has this address already.")
        return email


class ToolSerializer(serializers.ModelSerializer):
    code = serializers.CharField()
    value = serializers.IntegerField(min_value=1, max_value=5000)
    deposit = serializers.IntegerField(read_only=True)
    lent = serializers.BooleanField(source="is_lent", read_only=True)
    waiting = serializers.SerializerMethodField()

    class Meta:
        model = Tool
        fields = [
            "id",
            "code",
            "name",
            "category",
            "value",
            "deposit",
            "lent",
            "waiting",
        ]

    def get_waiting(self, tool):
        return tool.queue().count()

    def validate_code(self, code):
        code = code.upper()
        if not CODE.fullmatch(code):
            raise serializers.ValidationError("Two letters, a dash, three digits.")
        same = Tool.objects.filter(code=code)
        if self.instance:
            same = same.exclude(pk=self.instance.pk)
        if same.exists():
            raise serializers.ValidationError("There is a tool with this code.")
        return code


class LoanSerializer(serializers.ModelSerializer):
    tool = serializers.CharField(source="tool.code", read_only=True)
    overdue = serializers.SerializerMethodField()
    fine = serializers.SerializerMethodField()

    class Meta:
        model = Loan
        fields = [
            "id",
            "tool",
            "member",
            "lent_on",
            "due_on",
            "returned_on",
            "extended",
            "deposit",
            "overdue",
            "fine",
            "fine_paid",
        ]

    def get_overdue(self, loan):
        return loan.is_overdue(timezone.localdate())

    def get_fine(self, loan):
        """As long as the tool is out: what it would cost to bring it back today."""
        if loan.is_open:
            return rules.fine_for(loan.days_late(timezone.localdate()))
        return loan.fine


class LendSerializer(serializers.Serializer):
    """What has to be said to take a tool home."""

    tool = serializers.SlugRelatedField("code", queryset=Tool.objects.all())
    member = serializers.PrimaryKeyRelatedField(queryset=Member.objects.all())
    days = serializers.IntegerField(
        min_value=1, max_value=rules.LOAN_DAYS, default=rules.LOAN_DAYS
    )
    deposit = serializers.IntegerField(min_value=0, default=0)

    def validate_tool(self, tool):
        if tool.retired:
            raise serializers.ValidationError("This tool is not lent any more.")
        return tool

    def validate(self, data):
        if data["deposit"] > data["tool"].value:
            raise serializers.ValidationError(
                {"deposit": "More than the tool is worth."}
            )
        return data


class ReservationSerializer(serializers.ModelSerializer):
    tool = serializers.CharField(source="tool.code", read_only=True)
    position = serializers.IntegerField(read_only=True)

    class Meta:
        model = Reservation
        fields = ["id", "tool", "member", "status", "position", "ready_until"]


class PaymentSerializer(serializers.Serializer):
    """A fine is paid at once, to the cent."""

    amount = serializers.IntegerField(min_value=1)

    def validate_amount(self, amount):
        if amount != self.context["loan"].fine:
            raise serializers.ValidationError("The whole fine, and no more.")
        return amount
