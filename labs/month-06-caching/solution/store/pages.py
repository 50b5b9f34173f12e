"""Pages that are the same for every stranger."""

from functools import wraps

from django.views.decorators.cache import cache_page


def shared_by_strangers(seconds):
    """`cache_page`, but whoever is logged in gets a page of their own."""

    def decorate(view):
        shared = cache_page(seconds)(view)

        @wraps(view)
        def choose(request, *args, **kwargs):
            chosen = view if request.user.is_authenticated else shared
            return chosen(request, *args, **kwargs)

        return choose

    return decorate
