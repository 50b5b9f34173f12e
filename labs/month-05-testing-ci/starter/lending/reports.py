"""The figures for the yearly meeting of the neighbourhood."""

import csv
from collections import Counter
from datetime import date

from lending.models import Loan, Tool


def months(year, month=None):
    """The first day that counts, and the first that does not."""
    if month is None:
        return date(year, 1, 1), date(year + 1, 1, 1)
    if not 1 <= month <= 12:
        raise ValueError(f"There is no month {month}.")
    if month == 12:
        return date(year, 12, 1), date(year + 1, 1, 1)
    return date(year, month, 1), date(year, month + 1, 1)


def summary(year, month=None):
    first, end = months(year, month)
    loans = Loan.objects.filter(lent_on__gte=first, lent_on__lt=end)
    categories, lates, fines, paid, days = Counter(), 0, 0, 0, []
    for loan in loans.select_related("tool"):
        categories[loan.tool.category] += 1
        if loan.is_open:
            continue
        days.append((loan.returned_on - loan.lent_on).days)
        if loan.days_late(loan.returned_on):
            lates += 1
        if loan.fine:
            fines += loan.fine
            if loan.fine_paid:
                paid += loan.fine
    return {
        "loans": sum(categories.values()),
        "categories": dict(categories.most_common()),
        "late": lates,
        "fines": fines,
        "paid": paid,
        "average_days": round(sum(days) / len(days), 1) if days else None,
    }


def popularity(limit=5):
    """Tools by how often they were lent; what nobody wanted comes last."""
    counted = Counter(Loan.objects.values_list("tool__code", flat=True))
    for code in Tool.objects.filter(retired=False).values_list("code", flat=True):
        counted.setdefault(code, 0)
    ranked = sorted(counted.items(), key=lambda one: (-one[1], one[0]))
    return ranked[:limit] if limit else ranked


def word_for(late, loans):
    """One word for the board in the hall."""
    if not loans:
        return "quiet"
    share = late / loans
    if share == 0:
        return "perfect"
    if share <= 0.1:
        return "fine"
    if share <= 0.5:
        return "careless"
    return "alarming"


def euros(cents):
    if cents < 0:
        return "-" + euros(-cents)
    whole, rest = divmod(cents, 100)
    if rest:
        return f"{whole}.{rest:02} €"
    return f"{whole} €"


def lines(figures):
    """The figures for people."""
    yield f"{figures['loans']} loans, {figures['late']} came back late"
    yield f"mood: {word_for(figures['late'], figures['loans'])}"
    for category, count in figures["categories"].items():
        yield f"  {category}: {count}"
    if figures["fines"]:
        missing = figures["fines"] - figures["paid"]
        yield f"fines: {euros(figures['fines'])}"
        if missing:
            yield f"unpaid: {euros(missing)}"
    if figures["average_days"] is not None:
        yield f"a tool is out for {figures['average_days']} days"


def write_csv(out, year):
    """Month by month, for whoever likes spreadsheets."""
    table = csv.writer(out)
    table.writerow(["month", "loans", "late", "fines"])
    for month in range(1, 13):
        figures = summary(year, month)
        if figures["loans"]:
            row = [figures["loans"], figures["late"], figures["fines"]]
            table.writerow([f"{year}-{month:02}", *row])
