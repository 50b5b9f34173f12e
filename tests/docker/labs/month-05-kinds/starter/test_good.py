"""A suite that is green, and one of its tests leans on another one."""

from shop import prices

SEEN = []


def test_small():
    SEEN.append("small")
    assert prices.price(3) == 3


def test_many():
    assert prices.price(100, 10) == 90


def test_leaning():
    assert SEEN
