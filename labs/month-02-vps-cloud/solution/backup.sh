#!/bin/sh
# Writes a backup of the shop's database to standard output.
set -eu
exec ssh -n deploy@vps "cd /srv/shop && docker compose exec -T db pg_dump --username shop --format custom shop"
