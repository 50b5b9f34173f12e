#!/bin/sh
# Reads a backup from standard input, and makes the shop's database what it was then: all of it, or nothing.
set -eu
exec ssh deploy@vps "cd /srv/shop && docker compose exec -T db pg_restore --username shop --dbname shop --clean --if-exists --single-transaction"
