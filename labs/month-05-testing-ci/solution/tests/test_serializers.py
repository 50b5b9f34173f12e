from datetime import timedelta

import pytest

from lending.models import Loan, Tool
from lending.serializers import (
    LendSerializer,
    LoanSerializer,
    MemberSerializer,
    PaymentSerializer,
    ToolSerializer,
)


def tool_data(**fields):
    given = {"code": "WO-100", "name": "Plane", "category": "wood", "value": 30}
    return {**given, **fields}


@pytest.mark.django_db
class TestTool:
    def test_what_is_said_is_kept(self):
        asked = ToolSerializer(data=tool_data(code="wo-100"))
        assert asked.is_valid(), asked.errors
        tool = asked.save()
        assert (tool.code, tool.name, tool.value) == ("WO-100", "Plane", 30)

    @pytest.mark.parametrize(
        "code", ["WO100", "W-100", "WO-10", "WO-1000", "", "12-ABC"]
    )
    def test_a_code_has_a_form(self, code):
        asked = ToolSerializer(data=tool_data(code=code))
        assert not asked.is_valid()
        assert set(asked.errors) == {"code"}

    @pytest.mark.parametrize(
        ("value", "valid"), [(0, False), (1, True), (5000, True), (5001, False)]
    )
    def test_the_value_has_limits(self, value, valid):
        assert ToolSerializer(data=tool_data(value=value)).is_valid() is valid

    def test_a_code_is_given_once(self, make_tool):
        tool = make_tool(code="WO-100")
        asked = ToolSerializer(data=tool_data())
        assert not asked.is_valid()
        assert set(asked.errors) == {"code"}
        same = ToolSerializer(tool, data=tool_data(name="Smoothing plane"))
        assert same.is_valid(), same.errors

    def test_what_is_shown(self, make_tool):
        shown = ToolSerializer(make_tool(code="ME-001", value=250)).data
        assert (shown["deposit"], shown["lent"], shown["waiting"]) == (50, False, 0)

    def test_the_category_is_known(self):
        assert not ToolSerializer(data=tool_data(category="music")).is_valid()


class TestMember:
    def test_an_address_has_no_capitals(self, make_member):
        asked = MemberSerializer(data={"name": "Ada", "email": "Ada@Example.com"})
        assert asked.is_valid(), asked.errors
        assert asked.save().email == "ada@example.com"
        again = MemberSerializer(data={"name": "Eda", "email": "ADA@example.com"})
        assert not again.is_valid()
        assert set(again.errors) == {"email"}

    def test_an_address_can_be_kept(self, make_member):
        member = make_member()
        asked = MemberSerializer(member, data={"name": "Bo", "email": member.email})
        assert asked.is_valid(), asked.errors

    def test_loans_and_fines_are_shown(self, make_member, make_loan, today):
        member = make_member()
        make_loan(member=member)
        make_loan(member=member, returned_on=today, fine=150)
        shown = MemberSerializer(member).data
        assert (shown["open_loans"], shown["unpaid_fines"]) == (1, 150)


class TestLend:
    def ask(self, tool, member, **fields):
        return LendSerializer(data={"tool": tool.code, "member": member.pk, **fields})

    def test_fourteen_days_unless_told(self, make_tool, make_member):
        asked = self.ask(make_tool(), make_member())
        assert asked.is_valid(), asked.errors
        assert asked.validated_data["days"] == 14
        assert asked.validated_data["deposit"] == 0

    @pytest.mark.parametrize(
        ("days", "valid"), [(0, False), (1, True), (14, True), (15, False)]
    )
    def test_days_have_limits(self, make_tool, make_member, days, valid):
        asked = self.ask(make_tool(), make_member(), days=days)
        assert asked.is_valid() is valid

    def test_what_is_retired_stays(self, make_tool, make_member):
        asked = self.ask(make_tool(retired=True), make_member())
        assert not asked.is_valid()
        assert set(asked.errors) == {"tool"}

    @pytest.mark.parametrize(
        ("deposit", "valid"), [(-1, False), (0, True), (40, True), (41, False)]
    )
    def test_a_deposit_has_limits(self, make_tool, make_member, deposit, valid):
        asked = self.ask(make_tool(value=40), make_member(), deposit=deposit)
        assert asked.is_valid() is valid

    def test_the_tool_has_to_be_there(self, make_member):
        asked = self.ask(Tool(code="XX-999"), make_member())
        assert set(asked.errors if not asked.is_valid() else {}) == {"tool"}


class TestLoan:
    def test_a_fine_grows_while_the_tool_is_out(self, make_loan):
        shown = LoanSerializer(make_loan(ago=17)).data
        assert (shown["overdue"], shown["fine"]) == (True, 150)

    def test_afterwards_it_stays(self, make_loan, today):
        returned_on = today - timedelta(days=10)
        loan = make_loan(ago=30, returned_on=returned_on, fine=300)
        shown = LoanSerializer(loan).data
        assert (shown["overdue"], shown["fine"]) == (False, 300)

    def test_in_time(self, make_loan):
        loan = make_loan(ago=14)
        shown = LoanSerializer(loan).data
        assert (shown["overdue"], shown["fine"]) == (False, 0)
        assert shown["tool"] == loan.tool.code


@pytest.mark.parametrize(
    ("amount", "valid"), [(0, False), (149, False), (150, True), (151, False)]
)
def test_a_fine_is_paid_to_the_cent(amount, valid):
    loan = Loan(fine=150)
    asked = PaymentSerializer(data={"amount": amount}, context={"loan": loan})
    assert asked.is_valid() is valid
