import json
import os
import subprocess
import sys


def run(wanted):
    command = [
        sys.executable, "-m", "locust", "--headless", "--only-summary", "--json", "-f", wanted["file"],
        "-u", str(wanted["users"]), "-r", str(wanted["spawn_rate"]), "-t", f"{wanted['seconds']}s",
    ]
    if wanted["host"]:
        command += ["--host", wanted["host"]]
    done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, env=os.environ)
    # Locust prints its statistics as one JSON list; what the plan itself prints may stand around it.
    start = done.stdout.rfind("\n[") + 1 if not done.stdout.startswith("[") else 0
    try:
        entries = json.JSONDecoder().raw_decode(done.stdout[start:])[0]
    except ValueError:
        return {"error": f"Locust ended with {done.returncode} and without statistics: {done.stderr[-3000:]}"}
    return {"code": done.returncode, "entries": entries, "stderr": done.stderr[-3000:]}


try:
    answer = run(json.loads(sys.argv[1]))
except Exception as error:
    answer = {"error": f"{type(error).__name__}: {error}"}
print()
print("labrunner-locust:" + json.dumps(answer))
