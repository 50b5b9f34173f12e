#!/bin/sh
# release.sh TAG | --back: the colour that is not live gets the release, and is live then.
set -eu
cd /srv/shop
touch releases
tag=$1
if [ "$tag" = --back ]; then
    tag=$(tail -n 2 releases | head -n 1)
fi
live=$(cat live 2>/dev/null || echo green)
if [ "$live" = blue ]; then next=green; else next=blue; fi

docker image inspect "registry:5000/shop:$tag" >/dev/null 2>&1 || docker pull --quiet "registry:5000/shop:$tag"
echo "$tag" > "$next.tag"
BLUE=$(cat blue.tag 2>/dev/null || echo none)
GREEN=$(cat green.tag 2>/dev/null || echo none)
export BLUE GREEN

docker compose up --detach --wait db
docker compose run --rm --no-TTY --no-deps "$next" python manage.py migrate --noinput
docker compose run --rm --no-TTY --no-deps --user root --volume /srv/shop/static:/static "$next" cp -r /app/collected/. /static/
sh certificate.sh

if ! docker compose up --detach --wait --no-deps --force-recreate "$next"; then
    docker compose logs --tail 20 "$next" >&2
    docker compose rm --stop --force "$next"
    exit 1
fi
echo "server $next:8000;" > nginx/upstream.inc
docker compose up --detach --no-deps proxy
docker compose exec -T proxy nginx -q -t
workers=$(pgrep --delimiter , --full '^nginx: worker' || true)
for n in $(seq 20); do
    docker compose exec -T proxy nginx -s reload && break
    sleep 0.5
done
for n in $(seq 60); do
    ps --pid "$workers" >/dev/null 2>&1 || break
    sleep 0.5
done
docker compose stop --timeout 30 "$live"
echo "$next" > live
if [ "$1" = --back ]; then sed -i '$d' releases; else echo "$tag" >> releases; fi
