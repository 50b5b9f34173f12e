from django.test import TestCase, override_settings

from store.models import Category, Product


@override_settings(CACHES={"default": {"BACKEND": "django.core.cache.backends.dummy.DummyCache"}})
class Api(TestCase):
    def refused(self, order):
        answer = self.client.post("/orders", order, content_type="application/json")
        self.assertEqual(answer.status_code, 422)
        return set(answer.json()["fields"])

    def test_every_mistake_of_an_order_is_named(self):
        self.assertEqual(self.refused({"quantity": True}), {"customer", "region", "quantity"})
        self.assertEqual(self.refused({"customer": "a@b.org", "region": "eu", "sku": "gold"}), {"sku"})

    def test_a_price_is_not_for_everybody(self):
        answer = self.client.patch("/products/tea", {"price": "0.01"}, content_type="application/json")
        self.assertEqual(answer.status_code, 401)
        self.assertEqual(self.client.get("/products/tea").json()["price"], "3.50")

    def test_pages_go_on_where_the_one_before_ended(self):
        kind = Category.objects.get(slug="drinks")
        for number in range(5):
            Product.objects.create(sku=f"x{number}", title="Oolong", price="1.00", category=kind)
        seen, after = [], ""
        while after is not None:
            page = self.client.get("/products", {"q": "oolong", "limit": 2, "after": after}).json()
            seen += [product["sku"] for product in page["results"]]
            after = page["next"]
        self.assertEqual(seen, ["x0", "x1", "x2", "x3", "x4"])

    def test_an_unknown_address_is_refused_like_everything_else(self):
        self.assertEqual(self.client.get("/tea-party").json()["error"], "not_found")
