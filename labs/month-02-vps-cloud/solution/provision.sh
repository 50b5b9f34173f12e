#!/bin/sh
# Makes of a rented machine one that the shop can be deployed to. May run as often as it likes.
set -eu
cd "$(dirname "$0")"
key=$(cat ~/.ssh/id_ed25519.pub)

if ssh -n -o BatchMode=yes deploy@vps true 2>/dev/null; then
    ssh deploy@vps "sudo sh -s -- '$key'" < server/setup.sh
else
    # The first time there is only root, with the password that the provider has sent.
    SSHPASS=$VPS_ROOT_PASSWORD sshpass -e ssh root@vps "sh -s -- '$key'" < server/setup.sh
fi
