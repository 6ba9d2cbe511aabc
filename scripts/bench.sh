#!/usr/bin/env bash
# The benchmarks, with a PostgreSQL of their own beside them. Called by `make bench`, which builds
# what is measured.
set -euo pipefail
cd "$(dirname "$0")/.."

work=$(mktemp -d "${TMPDIR:-/tmp}/berth-bench.XXXXXX")
finish() {
  bash scripts/test-services.sh stop "$work/services" >/dev/null 2>&1
  rm -rf "$work"
}
trap finish EXIT

# Named from outside, it is somebody else's to stop.
if [ -z "${BERTH_TEST_POSTGRES:-}" ]; then
  services=$(bash scripts/test-services.sh start "$work/services")
  while IFS= read -r line; do
    case $line in
    *=*) export "${line?}" ;;
    esac
  done <<<"$services"
fi

cargo run --release --locked -p berth-bench -- "$@"
