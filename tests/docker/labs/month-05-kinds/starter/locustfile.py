from locust import HttpUser, constant, task


class Buyer(HttpUser):
    wait_time = constant(0.1)

    @task
    def look(self):
        self.client.get("/api/slow")
