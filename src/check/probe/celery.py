import json
import socket
import sys

from celery.app.utils import find_app


def ask(name, what, argument):
    app = find_app(name)
    if what == "result":
        result = app.AsyncResult(argument)
        value = result.result
        if isinstance(value, BaseException):
            value = repr(value)
        return {
            "state": result.state,
            "ready": result.ready(),
            "result": value,
            "traceback": result.traceback,
        }
    # Celery names a worker after its host; asked by name, it need not wait for others.
    own = "celery@" + socket.gethostname()
    inspect = app.control.inspect(destination=[own], timeout=2)
    if what == "ping":
        workers = sorted(inspect.ping() or {})
        return {"workers": workers, "alive": own in workers}
    answers = getattr(inspect, argument)() or {}
    return {"workers": sorted(answers), "answer": answers.get(own)}


sys.path.insert(0, "")
try:
    answer = ask(*sys.argv[1:4])
except Exception as error:
    answer = {"error": f"{type(error).__name__}: {error}"}
print()
print("labrunner-celery:" + json.dumps(answer, default=repr))
