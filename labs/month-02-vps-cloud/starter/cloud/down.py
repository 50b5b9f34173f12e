"""Removes from the cloud what belongs to APP, and nothing else."""

raise SystemExit("cloud/down.py is not written yet")
