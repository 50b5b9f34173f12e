#!/bin/sh
set -e
python manage.py migrate --noinput
# goal: operable
# Gives its place away: whoever is number one hears SIGTERM.
exec gunicorn shop.wsgi --bind 0.0.0.0:8000 --workers 2 --threads 4
# without
#- gunicorn shop.wsgi --bind 0.0.0.0:8000 --workers 2 --threads 4
#- echo "gunicorn has ended"
# end
