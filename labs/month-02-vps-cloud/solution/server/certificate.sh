#!/bin/sh
# Runs on the VPS. A key that never leaves it, and a certificate for it; both anew when the certificate has less than ten days left.
set -eu
umask 077
mkdir -p /srv/shop/tls
cd /srv/shop/tls

if ! openssl x509 -checkend 864000 -noout -in shop.crt >/dev/null 2>&1; then
    openssl req -new -newkey rsa:2048 -nodes -subj /CN=shop.test -addext subjectAltName=DNS:shop.test \
        -keyout new.key -out new.csr 2>/dev/null
    curl --fail --silent --show-error --data-binary @new.csr --output new.crt http://ca:8000/certificates
    mv new.key shop.key
    mv new.crt shop.crt
fi
