#!/bin/bash
# An empty data folder is initialised first: the user, the database, and the scripts of the init folder, with a
# server that only answers inside this container. Then the server runs as the user postgres.
set -euo pipefail

# The variable, or the content of the file that VARIABLE_FILE names.
setting() {
    local file="$1_FILE"
    if [ -n "${!file:-}" ]; then
        cat "${!file}"
    else
        printf '%s' "${!1:-$2}"
    fi
}

initialise() {
    local user password database method
    user=$(setting POSTGRES_USER postgres)
    password=$(setting POSTGRES_PASSWORD "")
    database=$(setting POSTGRES_DB "$user")
    method=${POSTGRES_HOST_AUTH_METHOD:-scram-sha-256}
    if [ -z "$password" ] && [ "$method" != trust ]; then
        echo "error: an empty database needs POSTGRES_PASSWORD (or POSTGRES_HOST_AUTH_METHOD=trust)" >&2
        exit 1
    fi
    # shellcheck disable=SC2086 # several arguments in one variable
    initdb --username="$user" --pwfile=<(printf '%s\n' "$password") ${POSTGRES_INITDB_ARGS:-}
    printf '\nhost all all all %s\n' "$method" >> "$PGDATA/pg_hba.conf"
    PGUSER=$user pg_ctl -D "$PGDATA" -o "-c listen_addresses='' -p 5432" -w start
    export PGUSER=$user PGPASSWORD=$password
    if [ "$database" != postgres ]; then
        psql -v ON_ERROR_STOP=1 --dbname postgres --set name="$database" <<< 'CREATE DATABASE :"name";'
    fi
    local script
    for script in /docker-entrypoint-initdb.d/*; do
        case "$script" in
            *.sh) if [ -x "$script" ]; then "$script"; else . "$script"; fi ;;
            *.sql) psql -v ON_ERROR_STOP=1 --no-password --dbname "$database" -f "$script" ;;
            *.sql.gz) gunzip -c "$script" | psql -v ON_ERROR_STOP=1 --no-password --dbname "$database" ;;
        esac
    done
    pg_ctl -D "$PGDATA" -m fast -w stop
    unset PGUSER PGPASSWORD
}

if [ "${1:-}" = "" ] || [ "${1#-}" != "$1" ]; then
    set -- postgres "$@"
fi
if [ "$1" = postgres ]; then
    if [ "$(id -u)" = 0 ]; then
        mkdir -p "$PGDATA"
        chmod 700 "$PGDATA"
        find "$PGDATA" /var/run/postgresql \! -user postgres -exec chown postgres:postgres {} +
        exec setpriv --reuid=postgres --regid=postgres --init-groups "$0" "$@"
    fi
    if [ ! -s "$PGDATA/PG_VERSION" ]; then
        initialise
    fi
fi
exec "$@"
