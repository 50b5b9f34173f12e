"""The wire to everybody outside: nobody else in the shop knows HTTP."""

import json
import urllib.error
import urllib.request

from django.conf import settings


def post(path, body, **headers):
    """Sends a document, or one that is packed already. What comes back, with its status."""
    packed = body if isinstance(body, bytes) else json.dumps(body).encode()
    url = settings.PARTNERS_URL + path
    request = urllib.request.Request(url, data=packed, headers=headers)
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:
            return answer.status, unpack(answer)
    except urllib.error.HTTPError as error:
        with error:
            return error.code, unpack(error)


def unpack(answer):
    try:
        return json.load(answer)
    except ValueError:
        return {}
