#!/usr/bin/env bash
# Runs every check and test against real servers and counts them. Called by `make test`.
# Last line: "N passed, N failed, N skipped".
set -uo pipefail
cd "$(dirname "$0")/.."

work=$(mktemp -d "${TMPDIR:-/tmp}/berth-test.XXXXXX")
log="$work/tests.log"
failed_steps=0
failed_names=""

finish() {
  bash scripts/test-services.sh stop "$work/services" >/dev/null 2>&1
  rm -rf "$work"
}
trap finish EXIT

step() {
  local name=$1
  shift
  echo "== $name"
  if ! "$@"; then
    echo "FAILED: $name"
    failed_names+="FAILED: $name"$'\n'
    failed_steps=$((failed_steps + 1))
  fi
}

# First: the server embeds what this makes.
step "the web interface" bash scripts/portal.sh
step "formatting" cargo fmt --all --check
step "lints" cargo clippy --workspace --all-targets --locked --quiet -- -D warnings
step "arrows and sizes" cargo run --quiet --locked -p xtask -- check

echo "== servers"
services=$(bash scripts/test-services.sh start "$work/services") || {
  echo "FAILED: the servers that the tests need could not be started"
  failed_steps=$((failed_steps + 1))
}
while IFS= read -r line; do
  case $line in
  *=*) export "${line?}" ;;
  esac
done <<<"$services"

step "the binary" cargo build --locked -p berth
export BERTH_TEST_BINARY="$CARGO_TARGET_DIR/debug/berth"

echo "== tests"
cargo test --workspace --locked --no-fail-fast 2>&1 | tee "$log"
tests=${PIPESTATUS[0]}

echo "== the web interface in use"
bash scripts/portal-test.sh 2>&1 | tee -a "$log"
[ "${PIPESTATUS[0]}" -eq 0 ] || tests=1

# By itself: it takes what the machine has, for so many minutes on both databases at once.
export BERTH_SOAK_MINUTES="${BERTH_SOAK_MINUTES:-10}"
echo "== soak"
cargo test -p berth-e2e --locked --test soak -- --nocapture 2>&1 | tee -a "$log"
[ "${PIPESTATUS[0]}" -eq 0 ] || tests=1

read -r passed failed ignored < <(awk '/^test result:/ {
  for (i = 1; i < NF; i++) {
    if ($(i + 1) ~ /^passed/) passed += $i
    if ($(i + 1) ~ /^failed/) failed += $i
    if ($(i + 1) ~ /^ignored/) ignored += $i
  }
} END { print passed + 0, failed + 0, ignored + 0 }' "$log")
skipped=$((ignored + $(grep -c 'SKIPPED' "$log")))
# A crate whose tests did not build has no result line, yet failed.
if [ "$tests" -ne 0 ] && [ "$failed" -eq 0 ]; then
  failed=1
fi
failed=$((failed + failed_steps))

grep 'SKIPPED' "$log" | sort | uniq -c
# What failed, once more at the end, where a reader of a long log looks first: the name of each
# test and what it said, shortened.
if [ "$failed" -gt 0 ]; then
  echo
  printf '%s' "$failed_names"
  grep -E '^test .* \.\.\. FAILED$|^ +[0-9]+\) [a-z]|^error(\[E[0-9]+\])?:' "$log" | sort -u | head -n 40
  grep -A 6 -E "^thread '.*panicked at" "$log" | cut -c 1-400 | head -n 80
fi
echo
echo "$passed passed, $failed failed, $skipped skipped"
[ "$failed" -eq 0 ]
