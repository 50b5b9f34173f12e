import json
import os
import subprocess
import sys
import tempfile
import xml.etree.ElementTree


# A plugin of ours: before pytest-django puts tests that need a real database last, everything changes places.
SHUFFLE = """
import os
import random

import pytest


@pytest.hookimpl(hookwrapper=True)
def pytest_collection_modifyitems(items):
    random.Random(int(os.environ["LABRUNNER_ORDER"])).shuffle(items)
    yield
"""


def share(part, whole):
    """Percent; of nothing, all."""
    return 100.0 * part / whole if whole else 100.0


def outcome(case):
    for tag, word in (("failure", "failed"), ("error", "error"), ("skipped", "skipped")):
        found = case.find(tag)
        if found is not None:
            return word, found.get("message")
    return "passed", None


def run(wanted):
    folder = tempfile.mkdtemp(prefix="labrunner-pytest-")
    junit, data, report = (os.path.join(folder, name) for name in ("junit.xml", "coverage", "coverage.json"))
    options = ["-p", "no:cacheprovider", f"--junit-xml={junit}", "-o", "junit_family=xunit2", *wanted["arguments"]]
    environment = {**os.environ, "PYTHONDONTWRITEBYTECODE": "1", "COVERAGE_FILE": data}
    if wanted["random_order"] is not None:
        with open(os.path.join(folder, "labrunner_order.py"), "w") as plugin:
            plugin.write(SHUFFLE)
        options += ["-p", "labrunner_order"]
        environment["LABRUNNER_ORDER"] = str(wanted["random_order"])
        environment["PYTHONPATH"] = os.pathsep.join(filter(None, [folder, environment.get("PYTHONPATH")]))
    command = [sys.executable, "-m", "pytest", *options]
    if wanted["coverage"]:
        source = ",".join(wanted["coverage"])
        command = [sys.executable, "-m", "coverage", "run", "--branch", f"--source={source}", "-m", "pytest", *options]
    done = subprocess.run(command, env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True)
    said = (done.stdout + done.stderr)[-20000:]
    # pytest's own exit codes: 0 all passed, 1 some failed, 5 none collected; others ran no tests.
    if not os.path.exists(junit):
        return {"error": f"pytest ended with {done.returncode} and without a report: {said[-4000:]}"}
    tests = []
    for case in xml.etree.ElementTree.parse(junit).iter("testcase"):
        word, message = outcome(case)
        name = "::".join(part for part in (case.get("classname"), case.get("name")) if part)
        tests.append({"id": name, "outcome": word, "message": message, "duration": float(case.get("time") or 0)})
    answer = {"code": done.returncode, "tests": tests, "output": said, "coverage": None, "files": {}}
    if wanted["coverage"]:
        told = subprocess.run(
            [sys.executable, "-m", "coverage", "json", "-q", "-o", report],
            env=environment, capture_output=True, text=True,
        )
        if not os.path.exists(report):
            return {"error": f"the coverage could not be measured: {(told.stdout + told.stderr)[-2000:]}"}
        with open(report) as file:
            measured = json.load(file)
        totals = measured["totals"]
        answer["coverage"] = {
            "both": totals["percent_covered"],
            "lines": share(totals["covered_lines"], totals["num_statements"]),
            "branches": share(totals["covered_branches"], totals["num_branches"]),
        }
        answer["files"] = {
            name: {"percent": one["summary"]["percent_covered"], "missing": one["missing_lines"]}
            for name, one in measured["files"].items()
        }
    return answer


try:
    answer = run(json.loads(sys.argv[1]))
except Exception as error:
    answer = {"error": f"{type(error).__name__}: {error}"}
print()
print("labrunner-pytest:" + json.dumps(answer))
