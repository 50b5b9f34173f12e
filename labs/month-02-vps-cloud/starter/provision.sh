#!/bin/sh
# Makes of a rented machine one that the shop can be deployed to. May run as often as it likes.
echo "provision.sh is not written yet" >&2
exit 1
