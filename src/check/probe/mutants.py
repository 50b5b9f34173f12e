import ast
import concurrent.futures
import json
import os
import queue
import shutil
import subprocess
import sys
import tempfile
import time
import xml.etree.ElementTree

# What a project does not need in order to be tested, and what takes long to copy.
ASIDE = shutil.ignore_patterns(".git", ".venv", "venv", "node_modules", "__pycache__", "*.sqlite3", ".coverage*")


class Place:
    """A copy of the project, for one run of the tests at a time."""

    def __init__(self, base, number):
        self.folder = os.path.join(base, str(number))
        shutil.copytree(os.getcwd(), self.folder, ignore=ASIDE, symlinks=True)

    def write(self, file, text):
        with open(os.path.join(self.folder, file), "w") as out:
            out.write(text)

    def judge(self, arguments, limit):
        junit = os.path.join(self.folder, "labrunner-junit.xml")
        if os.path.exists(junit):
            os.remove(junit)
        command = [sys.executable, "-m", "pytest", "-x", "-q", "-p", "no:cacheprovider", f"--junit-xml={junit}"]
        environment = {**os.environ, "PYTHONDONTWRITEBYTECODE": "1", "PYTHONPATH": self.folder}
        try:
            done = subprocess.run(
                [*command, *arguments], cwd=self.folder, env=environment, stdin=subprocess.DEVNULL,
                capture_output=True, text=True, timeout=limit,
            )
        except subprocess.TimeoutExpired:
            return "timed out", None, ""
        first = None
        if os.path.exists(junit):
            for case in xml.etree.ElementTree.parse(junit).iter("testcase"):
                if case.find("failure") is not None or case.find("error") is not None:
                    first = "::".join(part for part in (case.get("classname"), case.get("name")) if part)
                    break
        # pytest's own exit codes: 0 all passed, 1 some failed; with others no test had a say.
        word = {0: "passed", 1: "failed"}.get(done.returncode, "broken")
        return word, first, (done.stdout + done.stderr)[-4000:]


def normal(file):
    """A file's code without its style, as `ast.unparse` writes it; None where it cannot be read."""
    try:
        with open(file) as text:
            return ast.unparse(ast.parse(text.read()))
    except (OSError, SyntaxError, ValueError):
        return None


def outcome(mutant, texts, places, arguments, limit):
    text = texts[mutant["file"]]
    if text is None or text.count(mutant["find"]) != 1:
        return "unfit", None
    place = places.get()
    try:
        place.write(mutant["file"], text.replace(mutant["find"], mutant["replace"]))
        word, first, _ = place.judge(arguments, limit)
        place.write(mutant["file"], text)
    finally:
        places.put(place)
    return {"passed": "survived", "failed": "killed", "timed out": "killed", "broken": "broken"}[word], first


def run(wanted):
    mutants, arguments = wanted["mutants"], wanted["arguments"]
    texts = {file: normal(file) for file in {mutant["file"] for mutant in mutants}}
    count = min(4, os.cpu_count() or 1, len(mutants))
    with tempfile.TemporaryDirectory(prefix="labrunner-mutants-", ignore_cleanup_errors=True) as base:
        places = queue.SimpleQueue()
        for number in range(count):
            place = Place(base, number)
            for file, text in texts.items():
                if text is not None:
                    place.write(file, text)
            places.put(place)
        first = places.get()
        began = time.monotonic()
        word, test, said = first.judge(arguments, wanted["limit"])
        took = time.monotonic() - began
        places.put(first)
        if word != "passed":
            return {"green": False, "why": test or said, "mutants": []}
        # A mutant that never ends is noticed as well: by whoever waits for the tests.
        limit = min(wanted["limit"], 20 + 10 * took)
        with concurrent.futures.ThreadPoolExecutor(count) as pool:
            judged = pool.map(lambda mutant: outcome(mutant, texts, places, arguments, limit), mutants)
            seen = [
                {"name": mutant["name"], "area": mutant["area"], "about": mutant["about"], "outcome": word, "by": test}
                for mutant, (word, test) in zip(mutants, judged)
            ]
    return {"green": True, "why": None, "mutants": seen}


try:
    answer = run(json.loads(sys.argv[1]))
except Exception as error:
    answer = {"error": f"{type(error).__name__}: {error}"}
print()
print("labrunner-mutants:" + json.dumps(answer))
