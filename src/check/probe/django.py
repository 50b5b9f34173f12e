import io
import json
import os
import re
import sys
import time


def find_settings():
    """What manage.py would use, where the environment does not say."""
    if os.environ.get("DJANGO_SETTINGS_MODULE"):
        return
    with open("manage.py") as file:
        found = re.search(r"DJANGO_SETTINGS_MODULE['\"]\s*,\s*['\"]([\w.]+)", file.read())
    if not found:
        raise RuntimeError("neither DJANGO_SETTINGS_MODULE nor manage.py names the settings")
    os.environ["DJANGO_SETTINGS_MODULE"] = found.group(1)


def plain(value):
    if isinstance(value, dict):
        return {str(key): plain(one) for key, one in value.items()}
    if isinstance(value, (list, tuple, set, frozenset)):
        return [plain(one) for one in value]
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    return str(value)


def settings(names):
    from django.conf import settings

    return {"settings": {name: plain(getattr(settings, name, None)) for name in names}}


def migrations(_):
    from django.db import connections
    from django.db.migrations.autodetector import MigrationAutodetector
    from django.db.migrations.executor import MigrationExecutor
    from django.db.migrations.state import ProjectState

    executor = MigrationExecutor(connections["default"])
    targets = executor.loader.graph.leaf_nodes()
    pending = [f"{one.app_label}.{one.name}" for one, _ in executor.migration_plan(targets)]
    from django.apps import apps

    detector = MigrationAutodetector(executor.loader.project_state(), ProjectState.from_apps(apps))
    missing = detector.changes(graph=executor.loader.graph)
    unwritten = [f"{app}: {change.name}" for app, changes in missing.items() for change in changes]
    return {"pending": pending, "unwritten": unwritten}


def urls(_):
    from django.urls import get_resolver

    found = []

    def walk(patterns, before):
        for one in patterns:
            route = before + str(one.pattern)
            if hasattr(one, "url_patterns"):
                walk(one.url_patterns, route)
            else:
                view = getattr(one, "lookup_str", "")
                found.append({"route": "/" + route, "name": one.name, "view": view})

    walk(get_resolver().url_patterns, "")
    return {"urls": found}


def request(wanted):
    from django.conf import settings
    from django.db import connections
    from django.test import Client
    from django.test.utils import CaptureQueriesContext

    settings.ALLOWED_HOSTS = ["*"]
    client = Client(raise_request_exception=False, headers=wanted.get("headers") or {})
    method = (wanted.get("method") or "GET").lower()
    extra = {}
    if wanted.get("json") is not None:
        extra = {"data": json.dumps(wanted["json"]), "content_type": "application/json"}
    if wanted.get("user"):
        from django.contrib.auth import get_user_model

        model = get_user_model()
        client.force_login(model.objects.get(**{model.USERNAME_FIELD: wanted["user"]}))
    # The first request pays for imports and caches of the process; what is asked for is the second.
    if wanted.get("warm", method == "get"):
        getattr(client, method)(wanted["path"], **extra)
    captures = [CaptureQueriesContext(connections[alias]) for alias in connections]
    for capture in captures:
        capture.__enter__()
    began = time.perf_counter()
    answer = getattr(client, method)(wanted["path"], **extra)
    body = b"".join(answer.streaming_content) if answer.streaming else answer.content
    took = time.perf_counter() - began
    for capture in captures:
        capture.__exit__(None, None, None)
    queries = [query for capture in captures for query in capture.captured_queries]
    text = body.decode("utf-8", "replace")
    return {
        "status": answer.status_code,
        "duration": took,
        "queries": [query["sql"] for query in queries],
        "body": text,
    }


output = sys.stdout
sys.stdout = io.StringIO()
sys.path.insert(0, "")
try:
    find_settings()
    import django

    django.setup()
    wanted = json.loads(sys.argv[2])
    answer = {"settings": settings, "migrations": migrations, "urls": urls, "request": request}[sys.argv[1]](wanted)
except Exception as error:
    answer = {"error": f"{type(error).__name__}: {error}"}
sys.stdout = output
print()
print("labrunner-django:" + json.dumps(answer))
