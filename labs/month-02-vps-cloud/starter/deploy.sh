#!/bin/sh
# Builds the image of this folder, brings it to the VPS, and makes it what visitors get.
# RELEASE, SECRET_KEY and POSTGRES_PASSWORD are in the environment.
echo "deploy.sh is not written yet" >&2
exit 1
