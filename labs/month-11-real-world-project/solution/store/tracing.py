"""Lines of a log that can be read by machines, and the one word that ties them together."""

import contextvars
import datetime
import json
import logging
import os
import re
import time
import uuid

current = contextvars.ContextVar("request_id", default="")
log = logging.getLogger("shop")
# What strangers send goes into our log only if it looks like this.
GOOD = re.compile(r"[A-Za-z0-9._-]{1,64}")


def begin(request_id):
    """From here on, lines are about this request."""
    current.set(request_id)


class Lines(logging.Formatter):
    """One JSON object a line."""

    def format(self, record):
        line = {
            "time": datetime.datetime.fromtimestamp(record.created, datetime.UTC).isoformat(),
            "level": record.levelname,
            "service": os.environ.get("SERVICE", "shop"),
            "message": record.getMessage(),
            "request_id": current.get(),
        }
        if record.exc_info:
            line["error"] = self.formatException(record.exc_info)
        return json.dumps(line)


class Tracing:
    """Middleware: each request has an id, its own or a new one, and leaves a line."""

    def __init__(self, get_response):
        self.get_response = get_response

    def __call__(self, request):
        given = request.headers.get("X-Request-ID", "")
        request_id = given if GOOD.fullmatch(given) else uuid.uuid4().hex
        begin(request_id)
        began = time.monotonic()
        response = self.get_response(request)
        took = round((time.monotonic() - began) * 1000)
        log.info("%s %s: %s after %s ms", request.method, request.path, response.status_code, took)
        response["X-Request-ID"] = request_id
        return response
