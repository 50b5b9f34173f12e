"""Something to begin with: a visitor, and stand-ins for everybody outside the shop."""

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from django.conf import settings


class Partners:
    """The bank, the wallet company, the warehouse and the bookkeeper.

    They are content with everything, unless a test says otherwise, and write down
    what they are sent.
    """

    def __init__(self):
        self.forget()

    def forget(self):
        self.received = []
        self.answers = {}

    def will_answer(self, path, status, **body):
        """What they say from now on to whatever is sent to this path."""
        self.answers[path] = status, body

    def sent_to(self, path):
        """What was sent to a path so far, oldest first."""
        return [body for where, body in self.received if where == path]

    def answer(self, path, body):
        self.received.append((path, body))
        content = {"token": "open-sesame", "reference": f"paid-{len(self.received)}"}
        return self.answers.get(path, (201, content))


def listen(partners):
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            status, answer = partners.answer(self.path, body)
            text = json.dumps(answer).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(text)))
            self.end_headers()
            self.wfile.write(text)

        def log_message(self, *arguments):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return f"http://127.0.0.1:{server.server_port}"


@pytest.fixture(scope="session")
def address():
    partners = Partners()
    settings.PARTNERS_URL = listen(partners)
    return partners


@pytest.fixture(autouse=True)
def partners(address):
    address.forget()
    return address


@pytest.fixture
def buy(client, db):
    """Sends an order to the shop: one tea to Germany, paid by wallet, unless told."""

    def send(*lines, **order):
        given = {
            "email": "ada@example.com",
            "country": "DE",
            "lines": [{"sku": sku, "quantity": many} for sku, many in lines],
            "payment": {"method": "wallet", "wallet": "ada"},
        }
        if not lines:
            given["lines"] = [{"sku": "tea", "quantity": 1}]
        return client.post("/checkout", {**given, **order}, "application/json")

    return send
