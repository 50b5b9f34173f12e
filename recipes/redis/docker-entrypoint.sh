#!/bin/sh
# A first argument that is an option or a configuration file belongs to redis-server. Containers are
# alone in their network, so clients from other addresses are let in unless the command says otherwise.
set -e

case "${1:-}" in
    -* | *.conf) set -- redis-server "$@" ;;
esac

if [ "$1" = redis-server ]; then
    case " $* " in
        *" --protected-mode "*) ;;
        *) set -- "$@" --protected-mode no ;;
    esac
    if [ "$(id -u)" = 0 ]; then
        find . \! -user redis -exec chown redis:redis {} +
        exec setpriv --reuid=redis --regid=redis --init-groups "$@"
    fi
fi
exec "$@"
