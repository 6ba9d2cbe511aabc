#!/usr/bin/env bash
# Builds the web interface into web/dist/site, from where the server embeds it. Skipped when nothing
# changed since the last build, and where Node is not installed: the server then says how to build it.
set -euo pipefail
cd "$(dirname "$0")/../web"

usable() {
  command -v npm >/dev/null 2>&1 &&
    node -e 'const [a, b] = process.versions.node.split(".").map(Number); process.exit(a > 20 || (a === 20 && b >= 19) ? 0 : 1)' 2>/dev/null
}
if ! usable; then
  echo "Node 20.19 or newer is not installed: going on without the web interface" >&2
  exit 0
fi

inputs() {
  find src public index.html openapi.json package-lock.json tsconfig.json vite.config.ts -type f \
    ! -path src/api/schema.d.ts -print0 | LC_ALL=C sort -z | xargs -0 sha256sum | sha256sum
}

modules=$(sha256sum <package-lock.json)
if [ "$(cat node_modules/.berth-lock 2>/dev/null)" != "$modules" ]; then
  npm ci --no-audit --no-fund --loglevel=error
  echo "$modules" >node_modules/.berth-lock
fi

wanted=$(inputs)
if [ "$(cat dist/site/.stamp 2>/dev/null)" = "$wanted" ]; then
  exit 0
fi
npm run --silent build
echo "$wanted" >dist/site/.stamp
