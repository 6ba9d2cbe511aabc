#!/usr/bin/env bash
# The soak with the release binary, for so many minutes on both databases. Called by `make soak`.
# Ends with a summary for each database; fails when a promise was broken.
set -euo pipefail
cd "$(dirname "$0")/.."

work=$(mktemp -d "${TMPDIR:-/tmp}/berth-soak.XXXXXX")
finish() {
  bash scripts/test-services.sh stop "$work/services" >/dev/null 2>&1
  rm -rf "$work"
}
trap finish EXIT

services=$(bash scripts/test-services.sh start "$work/services")
while IFS= read -r line; do
  case $line in
  *=*) export "${line?}" ;;
  esac
done <<<"$services"

cargo build --release --locked -p berth
export BERTH_TEST_BINARY="$CARGO_TARGET_DIR/release/berth"
export BERTH_SOAK_MINUTES="${1:-180}"
cargo test -p berth-e2e --locked --test soak -- --nocapture
