#!/bin/sh
# Options belong to dockerd. It listens on its socket, and without TLS on port 2375 if DOCKER_TLS_CERTDIR is empty;
# certificates are not made here.
set -e

case "${1:-}" in
    "" | -*)
        if [ -n "${DOCKER_TLS_CERTDIR-unset}" ]; then
            echo "this image has no TLS: set DOCKER_TLS_CERTDIR to nothing, or give --tls options" >&2
            set -- --host unix:///var/run/docker.sock "$@"
        else
            set -- --host unix:///var/run/docker.sock --host tcp://0.0.0.0:2375 --tls=false "$@"
        fi
        # What a container that was killed has left is nobody's.
        rm -f /var/run/docker.pid /run/docker/containerd/containerd.pid
        set -- dockerd "$@"
        ;;
esac
exec "$@"
