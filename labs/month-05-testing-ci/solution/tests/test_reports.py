import io
from datetime import date

import pytest
from django.core.management import CommandError, call_command

from lending import reports, rules
from lending.models import Reservation


@pytest.fixture
def spring(make_loan, make_tool):
    """Three loans of March: one in time, one late and paid, one still out."""
    saw = make_tool(code="WO-001")
    hoe = make_tool(code="GA-001", category="garden")
    dates = {"lent_on": date(2026, 3, 1), "due_on": date(2026, 3, 15)}
    make_loan(tool=saw, returned_on=date(2026, 3, 5), **dates)
    late = {"returned_on": date(2026, 3, 18), "fine": 150, "fine_paid": True}
    make_loan(tool=saw, **late, **dates)
    make_loan(tool=hoe, **dates)
    make_tool(code="PA-001", category="paint")


def run(*arguments):
    out = io.StringIO()
    call_command(*arguments, stdout=out)
    return out.getvalue()


@pytest.mark.parametrize(
    ("month", "first", "end"),
    [
        (None, date(2026, 1, 1), date(2027, 1, 1)),
        (3, date(2026, 3, 1), date(2026, 4, 1)),
        (12, date(2026, 12, 1), date(2027, 1, 1)),
    ],
)
def test_months(month, first, end):
    assert reports.months(2026, month) == (first, end)


def test_summary(spring):
    assert reports.summary(2026, 3) == {
        "loans": 3,
        "categories": {"wood": 2, "garden": 1},
        "late": 1,
        "fines": 150,
        "paid": 150,
        "average_days": 10.5,
    }


@pytest.mark.django_db
def test_an_empty_month():
    figures = reports.summary(2026, 4)
    assert (figures["loans"], figures["average_days"]) == (0, None)
    assert list(reports.lines(figures)) == ["0 loans, 0 came back late", "mood: quiet"]


def test_popularity(spring):
    ranked = [("WO-001", 2), ("GA-001", 1), ("PA-001", 0)]
    assert reports.popularity() == ranked
    assert reports.popularity(1) == ranked[:1]


@pytest.mark.parametrize(
    ("late", "loans", "word"),
    [
        (0, 0, "quiet"),
        (0, 9, "perfect"),
        (1, 10, "fine"),
        (5, 10, "careless"),
        (6, 10, "alarming"),
    ],
)
def test_words(late, loans, word):
    assert reports.word_for(late, loans) == word


@pytest.mark.parametrize(
    ("cents", "text"), [(0, "0 €"), (1205, "12.05 €"), (-50, "-0.50 €")]
)
def test_euros(cents, text):
    assert reports.euros(cents) == text


def test_the_report_for_people(spring):
    said = run("report", "2026", "--month", "3").splitlines()
    assert said[0] == "3 loans, 1 came back late"
    assert "fines: 1.50 €" in said
    assert not any(line.startswith("unpaid") for line in said)
    assert said[-1] == "PA-001: 0"


def test_the_report_for_spreadsheets(spring):
    assert run("report", "2026", "--csv").split() == [
        "month,loans,late,fines",
        "2026-03,3,1,150",
    ]


def test_a_month_that_is_none():
    with pytest.raises(CommandError, match="no month 13"):
        run("report", "2026", "--month", "13")


def test_what_nobody_comes_for(make_loan, make_member, today):
    loan = make_loan(lent_on=date(2026, 1, 1), due_on=date(2026, 1, 15))
    first, second = [rules.reserve(loan.tool, make_member()) for _ in range(2)]
    rules.give_back(loan, date(2026, 1, 10))
    assert run("expire_holds") == "1 expired\n"
    first.refresh_from_db()
    second.refresh_from_db()
    assert first.status == Reservation.Status.CANCELLED
    assert second.status == Reservation.Status.READY
