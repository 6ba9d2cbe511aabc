#!/usr/bin/env bash
# Installs what the tests need and what is missing: Debian packages and registry clients.
# Never fails the run: a test whose tool is not there says SKIPPED, and `make test` counts it.
set -uo pipefail
export PATH="$PATH:/usr/sbin:/sbin"

tools="$HOME/.cache/berth/tools"
mkdir -p "$tools"

# One line a package: a program it brings, then its name.
packages=()
while read -r program package; do
  command -v "$program" >/dev/null 2>&1 || packages+=("$package")
done <<'LIST'
dockerd docker.io
podman podman
skopeo skopeo
buildah buildah
jq jq
ip iproute2
crun crun
newuidmap uidmap
fuse-overlayfs fuse-overlayfs
rsyslogd rsyslog
node nodejs
npm npm
chromium chromium
rpm rpm
ruby ruby
php php-cli
db5.3_load db5.3-util
LIST
[ -d /usr/share/php/Composer/Semver ] || packages+=(php-composer-semver)
# Java itself is large: where it is, what orders versions for Maven comes with it.
if command -v java >/dev/null 2>&1 && [ ! -e /usr/share/java/maven-artifact-3.x.jar ]; then
  packages+=(libmaven3-core-java)
fi
# Debian has another, dynamic busybox of the same name, which cannot be an image by itself.
if ! dpkg-query -W -f '${Status}' busybox-static 2>/dev/null | grep -q 'ok installed'; then
  packages+=(busybox-static)
fi
compgen -G '/usr/lib/*/rsyslog/lmnsd_gtls.so' >/dev/null || packages+=(rsyslog-gnutls)
# Pictures of pages in Chinese need letters for it.
compgen -G '/usr/share/fonts/*/*/*[cC][jJ][kK]*' >/dev/null || compgen -G '/usr/share/fonts/*/wqy/*' >/dev/null ||
  packages+=(fonts-wqy-microhei)
compgen -G '/usr/lib/postgresql/*/bin/postgres' >/dev/null || packages+=(postgresql)

if [ "${#packages[@]}" -gt 0 ]; then
  if [ "$(id -u)" -ne 0 ] || ! command -v apt-get >/dev/null 2>&1; then
    echo "NOT INSTALLED: ${packages[*]} (needs root and apt-get; their tests are skipped)" >&2
  else
    export DEBIAN_FRONTEND=noninteractive
    # Services must not start by themselves: the tests start their own.
    apt-get update -qq || echo "apt-get update failed: going on with what is known" >&2
    for package in "${packages[@]}"; do
      echo "installing $package"
      RUNLEVEL=1 apt-get install -y -qq --no-install-recommends "$package" >/dev/null ||
        echo "NOT INSTALLED: $package (its tests are skipped)" >&2
    done
  fi
fi
# From Debian 13 on the command line is a package of its own.
if ! command -v docker >/dev/null 2>&1 && [ "$(id -u)" -eq 0 ]; then
  DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends docker-cli \
    >/dev/null 2>&1 || echo "NOT INSTALLED: docker (its tests are skipped)" >&2
fi

# Clients that Debian does not have, by version.
while read -r program module; do
  [ -x "$tools/$program" ] && continue
  command -v "$program" >/dev/null 2>&1 && continue
  if ! command -v go >/dev/null 2>&1; then
    echo "NOT INSTALLED: $program (needs Go; its tests are skipped)" >&2
    continue
  fi
  echo "building $program ($module)"
  CGO_ENABLED=0 GOFLAGS=-trimpath GOBIN="$tools" go install "$module" ||
    echo "NOT INSTALLED: $program (its tests are skipped)" >&2
done <<'LIST'
crane github.com/google/go-containerregistry/cmd/crane@v0.22.1
regctl github.com/regclient/regclient/cmd/regctl@v0.11.7
oras oras.land/oras/cmd/oras@v1.3.6
helm helm.sh/helm/v3/cmd/helm@v3.22.0
cosign github.com/sigstore/cosign/v3/cmd/cosign@v3.1.3
LIST

# Writes into executables of Rust what they were built of. Built without optimising: it is quicker
# to build, and runs once.
auditable=0.7.7
if ! command -v cargo-auditable >/dev/null 2>&1 && [ ! -x "$tools/cargo-auditable" ]; then
  echo "building cargo-auditable ($auditable)"
  place="$(mktemp -d)"
  if env -u CARGO_TARGET_DIR cargo install --quiet --locked --debug --root "$place" \
    --target-dir "$place/target" "cargo-auditable@$auditable"; then
    mv "$place/bin/cargo-auditable" "$tools/"
  else
    echo "NOT INSTALLED: cargo-auditable (its test is skipped)" >&2
  fi
  rm -rf "$place"
fi

# Our own: a walk with Harbor's Go client, and Go's order of versions.
while read -r program folder; do
  if ! command -v go >/dev/null 2>&1; then
    echo "NOT INSTALLED: $program (needs Go; its test is skipped)" >&2
    continue
  fi
  (cd "$(dirname "$0")/../tests/clients/$folder" && CGO_ENABLED=0 go build -trimpath -o "$tools/$program" .) ||
    echo "NOT INSTALLED: $program (its test is skipped)" >&2
done <<'LIST'
harbor-walk harbor
go-versions versions
LIST

# What orders versions of NuGet: a library of Python.
if [ ! -d "$tools/python/univers" ]; then
  python3 -m pip install --quiet --disable-pip-version-check --target "$tools/python" univers==32.0.1 2>/dev/null ||
    echo "NOT INSTALLED: univers (its test is skipped)" >&2
fi
exit 0
