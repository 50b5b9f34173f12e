#!/usr/bin/env python3
import json
import os

print(json.dumps({"names": sorted(os.environ), "values": list(os.environ.values())}))
