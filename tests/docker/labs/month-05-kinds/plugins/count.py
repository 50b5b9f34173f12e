#!/usr/bin/env python3
"""Counts the files of the workspace, and tells what it was given."""
import json
import os
import sys

asked = json.load(sys.stdin)
if asked["input"] == "crash":
    sys.exit("as it was told to")
if asked["input"] == "hang":
    import time
    time.sleep(60)
files = sum(len(names) for _, _, names in os.walk(asked["workspace"]))
inherited = sorted(name for name in os.environ if name == "HOME" or name.startswith(("LABRUNNER", "CARGO")))
print(json.dumps({"files": files, "input": asked["input"], "inherited": inherited}))
