#!/bin/sh
# Visitors get the release before this one again. What that is the VPS knows: whoever goes back may sit at another laptop.
set -eu
exec ssh deploy@vps sh /srv/shop/release.sh --back
