#!/bin/sh
# Runs on the VPS.
#   release.sh TAG      from now on visitors get this image
#   release.sh --back   they get the one before again
set -eu
cd /srv/shop
image=registry:5000/shop
tag=$1
# goal: rollback

touch releases
if [ "$tag" = --back ]; then
    if [ "$(wc -l < releases)" -lt 2 ]; then
        echo "there is no release to go back to" >&2
        exit 1
    fi
    tag=$(tail -n 2 releases | head -n 1)
fi
# end

# What is here already is not fetched: the way back must not depend on a registry.
docker image inspect "$image:$tag" >/dev/null 2>&1 || docker pull --quiet "$image:$tag"

# Waits until the image's own HEALTHCHECK is content: half a minute at most.
healthy() {
    for n in $(seq 60); do
        case $(docker inspect --format '{{.State.Health.Status}}' "$1") in
            healthy) return 0 ;;
            unhealthy) return 1 ;;
        esac
        sleep 0.5
    done
    return 1
}

docker compose up --detach --wait db
docker run --rm --network shop_default --env-file web.env "$image:$tag" python manage.py migrate --noinput
# goal: static
# Beside what is there: pages of the release before still ask for theirs.
docker run --rm --user root --volume /srv/shop/static:/static "$image:$tag" cp -r /app/collected/. /static/
# end
# goal: tls
sh certificate.sh
# end

old=$(docker ps --quiet --filter label=shop.web)
# goal: redeploy
# without
#- [ -z "$old" ] || docker stop $old
# end
new=web-$(date +%s)
options="--detach --name $new --label shop.web --network shop_default --env-file web.env"
# goal: reboot
options="$options --restart unless-stopped"
# end
# goal: logs
options="$options --log-driver json-file --log-opt max-size=2m --log-opt max-file=3"
# end
docker run $options "$image:$tag"

if ! healthy "$new"; then
    docker logs --tail 20 "$new" >&2
    docker rm --force "$new" >/dev/null
    # goal: redeploy
    # without
    #- [ -z "$old" ] || docker start $old
    # end
    echo "$tag never got healthy; what visitors had before is what they have" >&2
    exit 1
fi

echo "server $new:8000;" > nginx/upstream.inc
docker compose up --detach proxy
docker compose exec -T proxy nginx -q -t
# goal: redeploy
workers=$(pgrep --delimiter , --full '^nginx: worker' || true)
# end
# One that has just been started takes a moment until it can be told something.
for n in $(seq 20); do
    docker compose exec -T proxy nginx -s reload && break
    sleep 0.5
done
# goal: redeploy

# Workers of nginx that began before the reload may still be passing something on to the old container: they are given half a
# minute to come to their end. Then whatever is under way in the container gets as much.
for n in $(seq 60); do
    ps --pid "$workers" >/dev/null 2>&1 || break
    sleep 0.5
done
# end
if [ -n "$old" ]; then
    docker stop --time 30 $old
    docker rm $old
fi
# goal: rollback
if [ "$1" = --back ]; then sed -i '$d' releases; else echo "$tag" >> releases; fi
# end
