#!/bin/sh
# The server and its tools run as the user rabbitmq; a volume that root made becomes its own first.
set -e

case "$1" in
    rabbitmq*)
        if [ "$(id -u)" = 0 ]; then
            find /var/lib/rabbitmq /etc/rabbitmq \! -user rabbitmq -exec chown rabbitmq:rabbitmq {} +
            exec setpriv --reuid=rabbitmq --regid=rabbitmq --init-groups "$0" "$@"
        fi
        ;;
esac
# Debian's wrapper dies at SIGTERM and takes the server with it; the server's own script stops it in order.
if [ "$1" = rabbitmq-server ]; then
    shift
    set -- /usr/lib/rabbitmq/bin/rabbitmq-server "$@"
fi
exec "$@"
