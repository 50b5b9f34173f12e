"""How a checkout ends when it does not end well. Plug-ins raise these, too."""


class Refused(Exception):
    """The order makes no sense as it is. The visitor gets a 400."""

    def __init__(self, code, detail):
        super().__init__(detail)
        self.code = code
        self.detail = detail


class Declined(Exception):
    """The payment did not go through. The visitor gets a 402."""

    def __init__(self, reason):
        super().__init__(reason)
        self.reason = reason


class Unavailable(Exception):
    """Somebody who is needed does not answer. The visitor gets a 502."""
