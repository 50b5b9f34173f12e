import pytest

from lending.models import Loan, Reservation, Tool


def codes(response):
    assert response.status_code == 200
    return [tool["code"] for tool in response.data["results"]]


class TestCatalogue:
    def test_everybody_reads_it(self, guest, make_tool):
        tool = make_tool()
        make_tool(retired=True)
        assert codes(guest.get("/tools")) == [tool.code]
        assert guest.get(f"/tools/{tool.code}").data["name"] == "Saw"
        assert guest.get("/tools/XX-999").status_code == 404

    def test_staff_keeps_it(self, guest, staff, client_of, make_member):
        data = {"code": "GA-001", "name": "Spade", "category": "garden", "value": 20}
        assert guest.post("/tools", data).status_code == 401
        assert client_of(make_member()).post("/tools", data).status_code == 403
        assert not Tool.objects.exists()
        made = staff.post("/tools", data)
        assert made.status_code == 201
        assert made.data["code"] == "GA-001"
        assert Tool.objects.get().name == "Spade"

    def test_mistakes_are_explained(self, staff):
        response = staff.post("/tools", {"name": "Spade"})
        assert response.status_code == 400
        assert set(response.data) == {"code", "category", "value"}

    def test_available(self, guest, make_tool, make_loan):
        free, lent = make_tool(), make_loan().tool
        assert codes(guest.get("/tools")) == [free.code, lent.code]
        assert codes(guest.get("/tools?available=1")) == [free.code]

    def test_category_and_search(self, guest, make_tool):
        saw = make_tool(code="WO-001", name="Fine saw")
        hoe = make_tool(code="GA-001", name="Hoe", category="garden")
        assert codes(guest.get("/tools?category=garden")) == [hoe.code]
        assert codes(guest.get("/tools?search=SAW")) == [saw.code]
        assert codes(guest.get("/tools?search=ga-001")) == [hoe.code]
        assert codes(guest.get("/tools?search=drill")) == []

    def test_pages(self, guest, make_tool):
        for _ in range(21):
            make_tool()
        first = guest.get("/tools")
        assert first.data["count"] == 21
        assert len(first.data["results"]) == 20
        assert len(guest.get("/tools?page_size=50").data["results"]) == 21
        assert guest.get("/tools?page=3").status_code == 404

    def test_what_is_lent_cannot_go(self, staff, guest, make_tool, make_loan):
        lent, free = make_loan().tool, make_tool()
        refused = staff.delete(f"/tools/{lent.code}")
        assert (refused.status_code, refused.data["code"]) == (409, "lent")
        assert staff.delete(f"/tools/{free.code}").status_code == 204
        assert codes(guest.get("/tools")) == [lent.code]
        assert Tool.objects.filter(code=free.code).exists()


class TestMembers:
    def test_staff_only(self, staff, client_of, make_member):
        member = make_member()
        assert client_of(member).get("/members").status_code == 403
        shown = staff.get("/members").data["results"]
        assert [one["email"] for one in shown] == [member.email]

    def test_me(self, staff, guest, client_of, make_member):
        member = make_member()
        assert client_of(member).get("/members/me").data["id"] == member.pk
        assert staff.get("/members/me").status_code == 403
        assert guest.get("/members/me").status_code == 401


class TestLoans:
    def test_staff_lends(self, staff, client_of, make_member, make_tool):
        member, tool = make_member(), make_tool()
        data = {"tool": tool.code, "member": member.pk}
        assert client_of(member).post("/loans", data).status_code == 403
        assert not Loan.objects.exists()
        lent = staff.post("/loans", data)
        assert lent.status_code == 201
        assert lent.data["tool"] == tool.code
        again = staff.post("/loans", data)
        assert (again.status_code, again.data["code"]) == (409, "lent")
        assert Loan.objects.count() == 1

    def test_members_see_their_own(self, staff, guest, client_of, make_loan):
        mine, other = make_loan(), make_loan()
        client = client_of(mine.member)
        shown = client.get("/loans").data["results"]
        assert [loan["id"] for loan in shown] == [mine.pk]
        assert client.get(f"/loans/{other.pk}").status_code == 404
        assert staff.get("/loans").data["count"] == 2
        assert guest.get("/loans").status_code == 401

    def test_open_and_overdue(self, staff, make_loan, today):
        late, fresh = make_loan(ago=20), make_loan()
        make_loan(ago=30, returned_on=today)

        def shown(query):
            loans = staff.get(f"/loans?{query}").data["results"]
            return {loan["id"] for loan in loans}

        assert len(shown("")) == 3
        assert shown("open=1") == {late.pk, fresh.pk}
        assert shown("overdue=true") == {late.pk}

    def test_back_and_paid(self, staff, client_of, make_loan):
        loan = make_loan(ago=17)
        member = client_of(loan.member)
        assert member.post(f"/loans/{loan.pk}/return").status_code == 403
        assert staff.post(f"/loans/{loan.pk}/return").data["fine"] == 150
        assert member.post(f"/loans/{loan.pk}/pay", {"amount": 150}).status_code == 403
        wrong = staff.post(f"/loans/{loan.pk}/pay", {"amount": 1})
        assert (wrong.status_code, set(wrong.data)) == (400, {"amount"})
        paid = staff.post(f"/loans/{loan.pk}/pay", {"amount": 150})
        assert (paid.status_code, paid.data["fine_paid"]) == (200, True)

    def test_members_extend(self, client_of, make_loan, make_member):
        loan = make_loan()
        stranger = client_of(make_member())
        assert stranger.post(f"/loans/{loan.pk}/extend").status_code == 404
        extended = client_of(loan.member).post(f"/loans/{loan.pk}/extend")
        assert (extended.status_code, extended.data["extended"]) == (200, True)


class TestReservations:
    @pytest.fixture
    def reservation(self, client_of, make_member, make_loan):
        loan, member = make_loan(), make_member()
        response = client_of(member).post(f"/tools/{loan.tool.code}/reserve")
        assert (response.status_code, response.data["position"]) == (201, 1)
        return Reservation.objects.get(pk=response.data["id"])

    def test_only_members(self, reservation, guest, staff):
        url = f"/tools/{reservation.tool.code}/reserve"
        assert guest.post(url).status_code == 401
        assert staff.post(url).status_code == 403

    def test_a_broken_rule_is_a_conflict(self, reservation, client_of):
        url = f"/tools/{reservation.tool.code}/reserve"
        refused = client_of(reservation.member).post(url)
        assert (refused.status_code, refused.data["code"]) == (409, "reserved")

    def test_everybody_cancels_their_own(self, reservation, client_of, make_member):
        url = f"/reservations/{reservation.pk}"
        stranger = client_of(make_member())
        assert stranger.get("/reservations").data["count"] == 0
        assert stranger.delete(url).status_code == 404
        assert client_of(reservation.member).delete(url).status_code == 204
        reservation.refresh_from_db()
        assert reservation.status == "cancelled"

    def test_staff_sees_all(self, reservation, staff):
        assert staff.get("/reservations").data["count"] == 1
