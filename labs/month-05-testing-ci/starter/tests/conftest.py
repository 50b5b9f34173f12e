"""Something to begin with: people and tools, as many as a test needs."""

import itertools
from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.utils import timezone
from rest_framework.test import APIClient

from lending.models import Loan, Member, Tool


@pytest.fixture
def today():
    return timezone.localdate()


@pytest.fixture
def make_member(db):
    numbers = itertools.count(1)

    def make(**fields):
        number = next(numbers)
        user = User.objects.create_user(f"member{number}")
        given = {"name": f"Member {number}", "email": f"m{number}@example.com"}
        return Member.objects.create(user=user, **{**given, **fields})

    return make


@pytest.fixture
def make_tool(db):
    numbers = itertools.count(1)

    def make(**fields):
        code = f"WO-{next(numbers):03}"
        given = {"code": code, "name": "Saw", "category": "wood", "value": 40}
        return Tool.objects.create(**{**given, **fields})

    return make


@pytest.fixture
def make_loan(make_member, make_tool, today):
    """A loan that begins today, unless `ago` says how many days ago it began."""

    def make(ago=0, **fields):
        lent_on = today - timedelta(days=ago)
        given = {"lent_on": lent_on, "due_on": lent_on + timedelta(days=14)}
        for name, create in [("member", make_member), ("tool", make_tool)]:
            given[name] = fields.pop(name, None) or create()
        return Loan.objects.create(**{**given, **fields})

    return make


@pytest.fixture
def guest():
    return APIClient()


@pytest.fixture
def staff(db):
    client = APIClient()
    client.force_authenticate(User.objects.create_user("staff", is_staff=True))
    return client


@pytest.fixture
def client_of():
    """A client that is logged in as a member."""

    def login(member):
        client = APIClient()
        client.force_authenticate(member.user)
        return client

    return login
