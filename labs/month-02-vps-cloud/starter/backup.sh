#!/bin/sh
# Writes a backup of the shop's database to standard output.
echo "backup.sh is not written yet" >&2
exit 1
