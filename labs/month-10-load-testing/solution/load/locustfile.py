"""What the visitors of the shop do on a Saturday."""

import random

from locust import HttpUser, between, task


class Visitor(HttpUser):
    # So long a visitor looks at a page.
    wait_time = between(0.5, 1.5)

    @task(4)
    def look_at_a_category(self):
        category = random.randint(1, 10)
        self.ask("GET", f"/products?category={category}", name="list")

    @task(3)
    def look_at_a_product(self):
        self.ask("GET", f"/products/{random.randint(1, 400)}", name="product")

    @task(1)
    def ask_for_delivery(self):
        self.ask("GET", "/delivery", name="delivery")

    @task(1)
    def look_for_orders(self):
        email = f"customer{random.randint(1, 30_000)}@shop.example"
        self.ask("GET", "/orders", name="find", params={"email": email})

    @task(1)
    def buy(self):
        email = f"visitor{random.randint(1, 30_000)}@shop.example"
        order = {"product": random.randint(1, 400), "email": email}
        self.ask("POST", "/orders", name="order", json=order)

    def ask(self, method, path, name, **request):
        # goal: notices
        request["catch_response"] = True
        with self.client.request(method, path, name=name, **request) as answer:
            if answer.status_code in (402, 409):
                # Sold out, or a card that is refused: the shop did as it should.
                answer.success()
            elif answer.status_code == 200 and "error" in answer.json():
                answer.failure(answer.json()["error"])
        # without
        #- self.client.request(method, path, name=name, **request)
        # end
