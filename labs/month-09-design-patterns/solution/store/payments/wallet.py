"""Paying from a wallet. The company wants each message signed."""

import hashlib
import hmac
import json

from django.conf import settings

from .companies import ask


class Wallet:
    def pay(self, order, details):
        body = {
            "wallet": str(details.get("wallet") or ""),
            "amount": order["total"],
            "order": order["number"],
            "email": order["email"],
        }
        packed = json.dumps(body).encode()
        key = settings.WALLET_KEY.encode()
        signature = hmac.new(key, packed, hashlib.sha256).hexdigest()
        answer = ask("/wallet/payments", packed, **{"X-Signature": signature})
        return answer["reference"]
