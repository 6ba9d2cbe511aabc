#!/usr/bin/env bash
# Private PostgreSQL and Docker daemons for the tests: `start DIR` prints the environment that
# finds them, `stop DIR` ends exactly those two. A server that cannot run here is reported on
# standard error and its tests are skipped.
set -uo pipefail
export PATH="$PATH:/usr/sbin:/sbin"

usage() {
  echo "usage: $0 start|stop DIR" >&2
  exit 2
}
[ $# -eq 2 ] || usage
mkdir -p "$2" && dir=$(cd "$2" && pwd) || exit 1

# PostgreSQL refuses to run as root.
as_owner() {
  if [ "$(id -u)" -eq 0 ]; then
    (cd / && runuser -u postgres -- "$@")
  else
    "$@"
  fi
}

start_postgres() {
  local bin data port
  bin=$(compgen -G '/usr/lib/postgresql/*/bin' | sort -V | tail -1)
  if [ -z "$bin" ] || { [ "$(id -u)" -eq 0 ] && ! id postgres >/dev/null 2>&1; }; then
    echo "PostgreSQL is not installed: its tests are skipped" >&2
    return 0
  fi
  # Not below DIR, whose parents the other user may not be allowed to enter.
  data=$(mktemp -d "${TMPDIR:-/tmp}/berth-postgres.XXXXXX") || return 1
  echo "$data" >"$dir/postgres.path"
  [ "$(id -u)" -ne 0 ] || chown postgres "$data"
  as_owner "$bin/initdb" -D "$data/db" -U postgres --auth=trust -E UTF8 --locale=C -N \
    >"$dir/initdb.log" 2>&1 || {
    cat "$dir/initdb.log" >&2
    return 1
  }
  # A port can be taken between the choice and the start: then another is tried.
  for _ in 1 2 3 4 5; do
    port=$((20000 + RANDOM % 12000))
    if as_owner "$bin/pg_ctl" -D "$data/db" -s -w -t 60 -l "$data/log" -o \
      "-p $port -c listen_addresses=127.0.0.1 -c unix_socket_directories= -c fsync=off -c max_connections=300" \
      start >/dev/null 2>"$dir/pg_ctl.log" </dev/null; then
      echo "$bin" >"$dir/postgres.bin"
      echo "BERTH_TEST_POSTGRES=postgres://postgres@127.0.0.1:$port/postgres"
      return 0
    fi
  done
  cat "$dir/pg_ctl.log" "$data/log" >&2
  return 1
}

stop_postgres() {
  [ -f "$dir/postgres.path" ] || return 0
  local data
  data=$(cat "$dir/postgres.path")
  # pg_ctl takes the process id from the cluster's own file.
  [ ! -f "$dir/postgres.bin" ] ||
    as_owner "$(cat "$dir/postgres.bin")/pg_ctl" -D "$data/db" -s -m immediate -w stop >/dev/null 2>&1
  rm -rf "$data"
  rm -f "$dir/postgres.path" "$dir/postgres.bin"
}

start_docker() {
  if ! command -v dockerd >/dev/null 2>&1; then
    echo "dockerd is not installed: its tests are skipped" >&2
    return 0
  fi
  if [ "$(id -u)" -ne 0 ]; then
    echo "dockerd needs root: its tests are skipped" >&2
    return 0
  fi
  # Short, because the paths of its sockets must fit into 108 bytes.
  local state
  state=$(mktemp -d "${TMPDIR:-/tmp}/berth-docker.XXXXXX") || return 1
  echo "$state" >"$dir/docker.path"
  # No bridge and no firewall rules: the machine's network is left as it is.
  dockerd --iptables=false --ip6tables=false --bridge=none --storage-driver vfs \
    --data-root "$state/data" --exec-root "$state/exec" --pidfile "$state/pid" \
    -H "unix://$state/docker.sock" --insecure-registry 127.0.0.0/8 \
    >"$dir/dockerd.log" 2>&1 </dev/null &
  local pid=$!
  for _ in $(seq 120); do
    if docker -H "unix://$state/docker.sock" version >/dev/null 2>&1; then
      echo "DOCKER_HOST=unix://$state/docker.sock"
      return 0
    fi
    kill -0 "$pid" 2>/dev/null || break
    sleep 0.5
  done
  tail -5 "$dir/dockerd.log" >&2
  echo "dockerd does not run here: its tests are skipped" >&2
  stop_docker
  return 0
}

stop_docker() {
  [ -f "$dir/docker.path" ] || return 0
  local state pid
  state=$(cat "$dir/docker.path")
  if [ -f "$state/pid" ]; then
    pid=$(cat "$state/pid")
    kill "$pid" 2>/dev/null
    for _ in $(seq 60); do
      kill -0 "$pid" 2>/dev/null || break
      sleep 0.5
    done
    ! kill -0 "$pid" 2>/dev/null || kill -9 "$pid"
  fi
  # A daemon that was killed leaves its data folder mounted on itself.
  ! mountpoint -q "$state/data" || umount "$state/data"
  rm -rf --one-file-system "$state"
  rm -f "$dir/docker.path"
}

case $1 in
start)
  start_postgres || exit 1
  start_docker || exit 1
  ;;
stop)
  stop_docker
  stop_postgres
  ;;
*) usage ;;
esac
