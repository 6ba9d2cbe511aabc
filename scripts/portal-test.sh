#!/usr/bin/env bash
# Tests the web interface: types against the document of this very server, lints, unit tests, size,
# and a browser against a real server. Called by `make test` with BERTH_TEST_BINARY set; what it
# prints is counted like the results of cargo.
set -uo pipefail
cd "$(dirname "$0")/../web"

if ! command -v node >/dev/null 2>&1 || ! command -v npm >/dev/null 2>&1; then
  echo "SKIPPED: the web interface (Node is not installed)"
  exit 0
fi

failed=0
check() {
  local name=$1
  shift
  echo "-- $name"
  if "$@"; then
    echo "test result: ok. 1 passed; 0 failed; 0 ignored"
  else
    echo "test result: FAILED. 0 passed; 1 failed; 0 ignored ($name)"
    failed=1
  fi
}

# Adds up a report of the unit tests or of the browser's.
count() {
  node -e '
    const report = JSON.parse(require("fs").readFileSync(process.argv[1], "utf8"));
    const stats = report.stats;
    const [passed, failed, skipped] = stats
      ? [stats.expected + stats.flaky, stats.unexpected + report.errors.length, stats.skipped]
      : [report.numPassedTests, report.numFailedTests, report.numPendingTests];
    console.log(`test result: ${failed ? "FAILED" : "ok"}. ${passed} passed; ${failed} failed; ${skipped} ignored`);
  ' "$1" || echo "test result: FAILED. 0 passed; 1 failed; 0 ignored ($1)"
}

same_document() {
  env -u BERTH_SOAK_MINUTES "$BERTH_TEST_BINARY" openapi | cmp -s - openapi.json || {
    echo "web/openapi.json is not what the server says: run make openapi"
    return 1
  }
}

mkdir -p test-results
rm -f test-results/unit.json test-results/report.json
check "the API document" same_document
check "types" npm run --silent types
check "lints" npm run --silent lint
check "size" npm run --silent budget

echo "-- unit tests"
npx --no-install vitest run --reporter=default --reporter=json --outputFile.json=test-results/unit.json || failed=1
count test-results/unit.json

if command -v "${BERTH_TEST_CHROMIUM:-chromium}" >/dev/null 2>&1; then
  echo "-- browser"
  npx --no-install playwright test || failed=1
  count test-results/report.json
else
  echo "SKIPPED: the web interface in a browser (Chromium is not installed)"
fi
exit $failed
