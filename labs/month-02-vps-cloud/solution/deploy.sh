#!/bin/sh
# Builds the image of this folder, brings it to the VPS, and makes it what visitors get.
# RELEASE, SECRET_KEY and POSTGRES_PASSWORD are in the environment.
set -eu
cd "$(dirname "$0")"
RELEASE=${RELEASE:-$(date +%Y%m%d%H%M%S)}
image=$REGISTRY/shop:$RELEASE

docker build --quiet --build-arg RELEASE="$RELEASE" --tag "$image" .
docker push --quiet "$image"
rsync --archive --exclude upstream.inc server/ deploy@vps:/srv/shop/

# Secrets go through the line, into files that only their owner can read: not into the image, and on no command line.
# goal: secrets
mask=077
# without
#- mask=022
# end
ssh deploy@vps "umask $mask; cat > /srv/shop/.env" <<END
POSTGRES_PASSWORD=$POSTGRES_PASSWORD
END
ssh deploy@vps "umask $mask; cat > /srv/shop/web.env" <<END
DEBUG=0
SECRET_KEY=$SECRET_KEY
DATABASE_URL=postgres://shop:$POSTGRES_PASSWORD@db/shop
# goal: production
ALLOWED_HOSTS=shop.test,127.0.0.1
# end
END

ssh deploy@vps sh /srv/shop/release.sh "$RELEASE"
