#!/bin/sh
# Starts the broker where the official image would start Kafka; anything else is run as it is.
set -e

if [ "$1" != /etc/kafka/docker/run ]; then
    exec "$@"
fi

# The address of the first listener that is not the controller's: "PLAINTEXT://kafka:9092,CONTROLLER://:9093".
listener() {
    echo "$1" | tr ',' '\n' | grep -v '^CONTROLLER' | head -n 1 | sed 's|^[^:]*://||'
}

advertised=$(listener "${KAFKA_ADVERTISED_LISTENERS:-PLAINTEXT://localhost:9092}")
listened=$(listener "${KAFKA_LISTENERS:-PLAINTEXT://0.0.0.0:9092}")

exec tansu broker \
    --cluster-id "${CLUSTER_ID:-labrunner}" \
    --listener-url "tcp://0.0.0.0:${listened##*:}" \
    --advertised-listener-url "tcp://$advertised" \
    --storage-engine sqlite:///var/lib/kafka/data/log.db
