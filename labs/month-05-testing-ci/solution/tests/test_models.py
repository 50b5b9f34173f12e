from datetime import date, timedelta

import pytest
from django.db import IntegrityError

from lending import rules
from lending.models import Loan, Reservation, Tool

DAY = date(2026, 3, 2)


def days(number):
    return timedelta(days=number)


class TestBorrowing:
    def test_a_loan_lasts_fourteen_days(self, make_member, make_tool):
        loan = rules.lend(make_tool(), make_member(), DAY)
        assert (loan.lent_on, loan.due_on) == (DAY, date(2026, 3, 16))
        assert loan.is_open

    def test_three_at_a_time(self, make_member, make_tool):
        member = make_member()
        loans = [rules.lend(make_tool(), member, DAY) for _ in range(3)]
        with pytest.raises(rules.RuleBroken) as broken:
            rules.lend(make_tool(), member, DAY)
        assert broken.value.code == "too_many"
        rules.give_back(loans[0], DAY)
        rules.lend(make_tool(), member, DAY)
        assert member.open_loans().count() == 3

    def test_nobody_who_is_overdue(self, make_member, make_tool, make_loan):
        member = make_member()
        loan = make_loan(member=member, lent_on=DAY, due_on=DAY + days(14))
        rules.check_may_borrow(member, loan.due_on)
        with pytest.raises(rules.RuleBroken) as broken:
            rules.check_may_borrow(member, loan.due_on + days(1))
        assert broken.value.code == "overdue"

    def test_nobody_who_owes_money(self, make_member, make_loan):
        member = make_member()
        loan = make_loan(member=member, returned_on=DAY, fine=50)
        with pytest.raises(rules.RuleBroken) as broken:
            rules.check_may_borrow(member, DAY)
        assert broken.value.code == "fines"
        rules.pay_fine(loan)
        assert member.unpaid_fines() == 0
        rules.check_may_borrow(member, DAY)

    def test_nobody_who_has_left(self, make_member, make_tool):
        with pytest.raises(rules.RuleBroken) as broken:
            rules.lend(make_tool(), make_member(active=False), DAY)
        assert broken.value.code == "inactive"
        assert not Loan.objects.exists()

    def test_one_tool_one_borrower(self, make_member, make_loan):
        loan = make_loan()
        with pytest.raises(rules.RuleBroken) as broken:
            rules.lend(loan.tool, make_member(), DAY)
        assert broken.value.code == "lent"

    def test_the_database_knows_it_too(self, make_loan):
        loan = make_loan()
        with pytest.raises(IntegrityError):
            make_loan(tool=loan.tool)


class TestDeposit:
    @pytest.mark.parametrize(
        ("value", "deposit"), [(1, 0), (99, 0), (100, 20), (104, 20), (105, 21)]
    )
    def test_a_fifth_from_one_hundred_on(self, value, deposit):
        assert Tool(value=value).deposit == deposit

    def test_nothing_is_lent_for_less(self, make_member, make_tool):
        tool, member = make_tool(value=200), make_member()
        with pytest.raises(rules.RuleBroken) as broken:
            rules.lend(tool, member, DAY, deposit=39)
        assert broken.value.code == "deposit"
        assert rules.lend(tool, member, DAY, deposit=40).deposit == 40


class TestFine:
    @pytest.mark.parametrize(
        ("late", "fine"), [(0, 0), (1, 0), (2, 100), (19, 950), (20, 1000), (21, 1000)]
    )
    def test_one_day_is_forgiven_and_there_is_a_cap(self, late, fine):
        assert rules.fine_for(late) == fine

    def test_what_is_late_costs(self, make_loan):
        loan = make_loan(lent_on=DAY, due_on=DAY + days(14))
        rules.give_back(loan, DAY + days(17))
        loan.refresh_from_db()
        assert (loan.fine, loan.fine_paid) == (150, False)
        assert loan.days_late(DAY + days(99)) == 3

    def test_what_is_back_is_back(self, make_loan):
        loan = rules.give_back(make_loan(lent_on=DAY, due_on=DAY), DAY)
        assert loan.fine == 0
        for rule in [rules.give_back, rules.extend]:
            with pytest.raises(rules.RuleBroken) as broken:
                rule(loan, DAY)
            assert broken.value.code == "returned"

    def test_nothing_to_pay(self, make_loan):
        with pytest.raises(rules.RuleBroken) as broken:
            rules.pay_fine(make_loan())
        assert broken.value.code == "nothing_due"


class TestExtension:
    def test_once_and_for_a_week(self, make_loan):
        loan = make_loan(lent_on=DAY, due_on=DAY + days(14))
        rules.extend(loan, DAY)
        loan.refresh_from_db()
        assert loan.due_on == DAY + days(21)
        with pytest.raises(rules.RuleBroken) as broken:
            rules.extend(loan, DAY)
        assert broken.value.code == "extended"

    def test_not_while_somebody_waits(self, make_member, make_loan):
        loan = make_loan(lent_on=DAY, due_on=DAY + days(14))
        rules.reserve(loan.tool, make_member())
        with pytest.raises(rules.RuleBroken) as broken:
            rules.extend(loan, DAY)
        assert broken.value.code == "wanted"

    def test_not_when_it_is_late(self, make_loan):
        loan = make_loan(lent_on=DAY, due_on=DAY)
        with pytest.raises(rules.RuleBroken) as broken:
            rules.extend(loan, DAY + days(1))
        assert broken.value.code == "overdue"


class TestQueue:
    def test_first_come_first_served(self, make_member, make_loan):
        loan = make_loan()
        first, second = [rules.reserve(loan.tool, make_member()) for _ in range(2)]
        assert (first.position, second.position) == (1, 2)
        rules.give_back(loan, DAY)
        first.refresh_from_db()
        assert first.status == Reservation.Status.READY
        assert first.ready_until == DAY + days(3)
        assert (first.position, second.position) == (0, 1)

    def test_what_is_put_aside_is_for_one(self, make_member, make_loan):
        loan, member = make_loan(), make_member()
        reservation = rules.reserve(loan.tool, member)
        rules.give_back(loan, DAY)
        with pytest.raises(rules.RuleBroken) as broken:
            rules.lend(loan.tool, make_member(), DAY)
        assert broken.value.code == "held"
        rules.lend(loan.tool, member, DAY)
        reservation.refresh_from_db()
        assert reservation.status == Reservation.Status.DONE

    def test_nobody_waits_twice_or_for_nothing(self, make_member, make_tool, make_loan):
        loan, member = make_loan(), make_member()
        rules.reserve(loan.tool, member)
        for tool, who, code in [
            (loan.tool, member, "reserved"),
            (loan.tool, loan.member, "yours"),
            (make_tool(), member, "available"),
        ]:
            with pytest.raises(rules.RuleBroken) as broken:
                rules.reserve(tool, who)
            assert broken.value.code == code

    def test_who_cancels_makes_room(self, make_member, make_loan):
        loan = make_loan()
        first, second = [rules.reserve(loan.tool, make_member()) for _ in range(2)]
        rules.give_back(loan, DAY)
        first.refresh_from_db()
        rules.cancel(first, DAY)
        second.refresh_from_db()
        assert second.status == Reservation.Status.READY
        with pytest.raises(rules.RuleBroken) as broken:
            rules.cancel(first, DAY)
        assert broken.value.code == "closed"

    def test_available_is_what_can_be_taken_home(self, make_tool, make_loan):
        free = make_tool()
        make_tool(retired=True)
        make_loan()
        held = make_loan(returned_on=DAY)
        status = Reservation.Status.READY
        Reservation.objects.create(tool=held.tool, member=held.member, status=status)
        assert list(Tool.objects.available()) == [free]


class TestNames:
    # goal: independent
    def test_a_member_has_a_name(self, make_member):
        assert str(make_member(name="Ada")) == "Ada"

    def test_a_tool_has_a_code(self, make_tool):
        assert str(make_tool(code="GA-007", name="Spade")) == "GA-007 Spade"

    def test_a_loan_names_both(self, make_member, make_tool, make_loan):
        loan = make_loan(member=make_member(name="Ada"), tool=make_tool(code="GA-007"))
        assert str(loan) == "GA-007 to Ada"
    # without
    #- names = {}
    #-
    #- def test_a_member_has_a_name(self, make_member):
    #-     self.names["member"] = str(make_member(name="Ada"))
    #-     assert self.names["member"] == "Ada"
    #-
    #- def test_a_tool_has_a_code(self, make_tool):
    #-     assert self.names["member"] == "Ada"
    #-     self.names["tool"] = str(make_tool(code="GA-007", name="Spade"))
    #-     assert self.names["tool"] == "GA-007 Spade"
    #-
    #- def test_a_loan_names_both(self, make_member, make_tool, make_loan):
    #-     assert self.names["tool"] == "GA-007 Spade"
    #-     loan = make_loan(member=make_member(name="Ada"), tool=make_tool(code="GA-007"))
    #-     assert str(loan) == "GA-007 to Ada"
    # end
