"""What the shop answers when it does not do what it was asked: one form for all of it."""

from functools import wraps

from django.http import Http404, JsonResponse


class Refused(Exception):
    """The shop does not do it, and says why."""

    def __init__(self, status, error, detail, headers=None, **more):
        super().__init__(detail)
        self.status, self.headers = status, headers
        self.body = {"error": error, "detail": detail, **more}

    def answer(self):
        return JsonResponse(self.body, status=self.status, headers=self.headers)


def invalid(fields):
    return Refused(422, "invalid", "not everything is as it has to be", fields=fields)


class Refusals:
    """Middleware: whatever refuses becomes an answer."""

    def __init__(self, get_response):
        self.get_response = get_response

    def __call__(self, request):
        return self.get_response(request)

    def process_exception(self, request, error):
        if isinstance(error, Http404):
            return Refused(404, "not_found", "there is no such thing").answer()
        return error.answer() if isinstance(error, Refused) else None


def only(*methods):
    """A view that knows these methods and no others."""

    def decorate(view):
        @wraps(view)
        def answer(request, *arguments, **named):
            if request.method not in methods:
                allowed = ", ".join(methods)
                raise Refused(405, "method_not_allowed", f"here is {allowed}", headers={"Allow": allowed})
            return view(request, *arguments, **named)

        return answer

    return decorate


def nowhere(request, exception):
    return Refused(404, "not_found", "there is no such address").answer()


def broken(request):
    return Refused(500, "broken", "this is our fault, and it is in the log").answer()
