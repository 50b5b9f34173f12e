from datetime import date, timedelta

from django.test import TestCase

from lending import rules
from lending.models import Loan, Member, Reservation, Tool


class LibraryCase(TestCase):
    """One member, one saw, and the second of March."""

    @classmethod
    def setUpTestData(cls):
        cls.day = date(2026, 3, 2)
        cls.ada = Member.objects.create(name="Ada", email="ada@example.com")
        cls.bo = Member.objects.create(name="Bo", email="bo@example.com")
        cls.saw = cls.tool("WO-001")

    @staticmethod
    def tool(code, value=40):
        return Tool.objects.create(code=code, name=code, category="wood", value=value)

    def later(self, days):
        return self.day + timedelta(days=days)

    def assert_broken(self, code, rule, *arguments, **named):
        with self.assertRaises(rules.RuleBroken) as broken:
            rule(*arguments, **named)
        self.assertEqual(broken.exception.code, code)


class BorrowingTests(LibraryCase):
    def test_two_weeks(self):
        loan = rules.lend(self.saw, self.ada, self.day)
        self.assertEqual(loan.due_on, self.later(14))
        self.assert_broken("lent", rules.lend, self.saw, self.bo, self.day)

    def test_at_most_three(self):
        tools = [self.tool(f"WO-10{number}") for number in range(3)]
        for tool in tools:
            rules.lend(tool, self.ada, self.day)
        self.assert_broken("too_many", rules.lend, self.saw, self.ada, self.day)
        rules.give_back(Loan.objects.get(tool=tools[0]), self.day)
        rules.lend(self.saw, self.ada, self.day)

    def test_overdue_from_the_day_after(self):
        rules.lend(self.saw, self.ada, self.day)
        rules.check_may_borrow(self.ada, self.later(14))
        self.assert_broken("overdue", rules.check_may_borrow, self.ada, self.later(15))

    def test_fines_have_to_be_paid(self):
        loan = rules.lend(self.saw, self.ada, self.day)
        rules.give_back(loan, self.later(16))
        day = self.later(17)
        self.assert_broken("fines", rules.check_may_borrow, self.ada, day)
        rules.pay_fine(loan)
        rules.check_may_borrow(self.ada, day)

    def test_no_longer_a_member(self):
        self.ada.active = False
        self.assert_broken("inactive", rules.lend, self.saw, self.ada, self.day)

    def test_deposit(self):
        for value, deposit in [(99, 0), (100, 20), (204, 40)]:
            with self.subTest(value=value):
                self.assertEqual(Tool(value=value).deposit, deposit)
        drill = self.tool("ME-001", value=100)
        self.assert_broken("deposit", rules.lend, drill, self.ada, self.day, deposit=19)


class FineTests(LibraryCase):
    def test_limits(self):
        for late, fine in [(0, 0), (1, 0), (2, 100), (20, 1000), (21, 1000)]:
            with self.subTest(late=late):
                self.assertEqual(rules.fine_for(late), fine)

    def test_what_came_back_late(self):
        loan = rules.lend(self.saw, self.ada, self.day)
        rules.give_back(loan, self.later(17))
        self.assertEqual(Loan.objects.get().fine, 150)
        self.assert_broken("returned", rules.give_back, loan, self.day)


class QueueTests(LibraryCase):
    def setUp(self):
        self.loan = rules.lend(self.saw, self.ada, self.day)
        self.first = rules.reserve(self.saw, self.bo)

    def test_no_extension_while_somebody_waits(self):
        self.assert_broken("wanted", rules.extend, self.loan, self.day)

    def test_one_extension(self):
        rules.cancel(self.first, self.day)
        rules.extend(self.loan, self.day)
        self.assertEqual(Loan.objects.get().due_on, self.later(21))
        self.assert_broken("extended", rules.extend, self.loan, self.day)

    def test_first_come_first_served(self):
        cy = Member.objects.create(name="Cy", email="cy@example.com")
        second = rules.reserve(self.saw, cy)
        self.assertEqual([self.first.position, second.position], [1, 2])
        rules.give_back(self.loan, self.day)
        self.first.refresh_from_db()
        self.assertEqual(self.first.status, Reservation.Status.READY)
        self.assert_broken("held", rules.lend, self.saw, cy, self.day)
        rules.lend(self.saw, self.bo, self.day)
