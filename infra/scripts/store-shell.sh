#!/usr/bin/env bash
# Opens the shell of a store, with its stored password. `make mongo-shell`, `make redis-shell`
# and `make nats-shell` call it.
#   store-shell.sh mongo orders          # of `make start`
#   store-shell.sh mongo orders compose  # or cluster
#   store-shell.sh redis "" compose
#   store-shell.sh nats "" cluster
set -euo pipefail
cd "$(dirname "$0")/../.."
store=$1 service=${2:-orders} place=${3:-local}

# As the user `operator`, in the database of the service. The password is not an argument, because
# `ps` would show it. Both run in a container that has it in its environment.
# shellcheck disable=SC2016 # JavaScript's own variables
connect='db = connect(`mongodb://operator:${process.env.OPERATOR_PASSWORD}@127.0.0.1/${process.env.SERVICE}?authSource=admin`)'
mongosh=(mongosh --quiet --nodb --shell --eval "$connect")

case "$store $place" in
  "nats local") exec .venv/bin/ticketing nats-shell ;;
  "nats compose")
    NATS_PASSWORD=$(docker compose exec -T nats cat /run/secrets/nats_operator)
    export NATS_PASSWORD
    exec docker run --rm -it --network ticketing_nats --env NATS_URL=nats://nats:4222 \
      --env NATS_USER=operator --env NATS_PASSWORD natsio/nats-box
    ;;
  "nats cluster")
    kubectl -n ticketing port-forward statefulset/nats 4222 >/dev/null &
    trap 'kill $!' EXIT
    NATS_PASSWORD=$(kubectl -n ticketing get secret nats-secret --output='go-template={{.data.OPERATOR_PASSWORD | base64decode}}')
    export NATS_URL=nats://localhost:4222 NATS_USER=operator NATS_PASSWORD
    "${SHELL:-sh}"
    ;;
  "mongo local") exec .venv/bin/ticketing mongo-shell "$service" ;;
  "redis local") exec .venv/bin/ticketing redis-shell ;;
  "mongo compose")
    exec docker compose run --rm "$service-mongo-set-up" sh -c \
      'OPERATOR_PASSWORD=$(cat /run/secrets/mongo_operator) exec "$@"' sh "${mongosh[@]}"
    ;;
  "redis compose")
    # shellcheck disable=SC2016 # the shell in the container expands it
    exec docker compose exec redis sh -c 'REDISCLI_AUTH=$(cat /run/secrets/redis_password) exec redis-cli'
    ;;
  "mongo cluster")
    exec kubectl -n ticketing exec -it "$service-mongo-0" --container=set-up -- "${mongosh[@]}"
    ;;
  "redis cluster") exec kubectl -n ticketing exec -it expiration-redis-0 -- redis-cli ;;
  *)
    echo "unknown: $store in $place. IN must be local, compose or cluster." >&2
    exit 1
    ;;
esac
