"""Says which advisories affect which packages, by other people's tools alone.

Usage: judge.py ECOSYSTEM FEED (ROOT | FOLDER | LIST)...
Writes one line for each package and advisory: name, version, advisory; and one for each CVE.

Packages are listed by dpkg-query (Debian:N), by importlib.metadata (PyPI), or read from a list of
"name version" lines (npm, Go, crates.io). Versions are compared by dpkg, by packaging and by npm's
semver.
"""

import functools
import json
import os
import re
import subprocess
import sys
import zipfile


def documents(feed):
    if os.path.isdir(feed):
        for name in sorted(os.listdir(feed)):
            with open(os.path.join(feed, name)) as file:
                yield json.load(file)
        return
    with zipfile.ZipFile(feed) as archive:
        for name in archive.namelist():
            if name.endswith(".json"):
                yield json.loads(archive.read(name))


@functools.lru_cache(maxsize=None)
def dpkg(a, b):
    if subprocess.run(["dpkg", "--compare-versions", a, "lt", b], check=False).returncode == 0:
        return -1
    return subprocess.run(["dpkg", "--compare-versions", a, "gt", b], check=False).returncode == 0


@functools.lru_cache(maxsize=None)
def python(text):
    from packaging.version import InvalidVersion, Version

    try:
        return Version(text)
    except InvalidVersion:
        return None


def pep440(a, b):
    a, b = python(a), python(b)
    if a is None or b is None:
        return None
    return (a > b) - (a < b)


class Semver:
    """npm's own semver, asked over a pipe."""

    def __init__(self):
        home = subprocess.run(["npm", "root", "-g"], capture_output=True, text=True, check=True)
        module = os.path.join(home.stdout.strip(), "npm/node_modules/semver")
        program = (
            "const s = require(%r); const r = require('readline').createInterface({input:"
            " process.stdin}); r.on('line', l => { const [a, b] = JSON.parse(l);"
            " console.log(s.valid(a) && s.valid(b) ? s.compare(a, b) : 'null'); });"
        )
        self.node = subprocess.Popen(
            ["node", "-e", program % module],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self.known = {}

    def __call__(self, a, b):
        a, b = (text.removeprefix("v") for text in (a, b))
        if (a, b) not in self.known:
            print(json.dumps([a, b]), file=self.node.stdin, flush=True)
            self.known[a, b] = json.loads(self.node.stdout.readline())
        return self.known[a, b]


def order(compare, version):
    """Events before, at and after a version, in the order in which OSV reads them."""
    rank = {"introduced": 0, "fixed": 1, "last_affected": 2}

    def by(a, b):
        (kind_a, text_a), (kind_b, text_b) = a, b
        if text_a == "0" or text_b == "0":
            return (text_b == "0") - (text_a == "0")
        return compare(text_a, text_b) or rank[kind_a] - rank[kind_b]

    return functools.cmp_to_key(by)


def affected(entry, version, compare):
    if version in entry.get("versions", []):
        return True
    if any(compare(listed, version) == 0 for listed in entry.get("versions", [])):
        return True
    for span in entry.get("ranges", []):
        if span["type"] == "GIT":
            continue
        events = [next(iter(event.items())) for event in span["events"]]
        within = False
        for kind, text in sorted(events, key=order(compare, version)):
            if kind == "introduced" and (text == "0" or compare(version, text) >= 0):
                within = True
            elif kind == "fixed" and compare(version, text) >= 0:
                within = False
            elif kind == "last_affected" and compare(version, text) > 0:
                within = False
        if within:
            return True
    return False


def packages(ecosystem, places):
    for place in places:
        if ecosystem.startswith("Debian:"):
            database = os.path.join(place, "var/lib/dpkg")
            shown = "${Package} ${Version} ${db:Status-Status}\n"
            listed = subprocess.run(
                ["dpkg-query", "--admindir", database, "-W", "-f", shown],
                capture_output=True,
                text=True,
                check=True,
            )
            for line in listed.stdout.splitlines():
                name, version, status = line.split()
                if status == "installed":
                    yield name, version
        elif ecosystem == "PyPI":
            from importlib.metadata import distributions

            for one in distributions(path=[place]):
                yield one.metadata["Name"], one.version
        else:
            with open(place) as file:
                for line in file:
                    yield tuple(line.split())


def normal(ecosystem, name):
    if ecosystem == "PyPI":
        return re.sub(r"[-_.]+", "-", name).lower()
    return name


def is_informational(document):
    """That a crate has no maintainer is no vulnerability of it."""
    kinds = [
        (entry.get("database_specific") or {}).get("informational")
        for entry in document.get("affected", [])
    ]
    return any(kind in ("unmaintained", "notice") for kind in kinds)


def main():
    ecosystem, feed, *places = sys.argv[1:]
    if ecosystem.startswith("Debian:"):
        compare = dpkg
    elif ecosystem == "PyPI":
        compare = pep440
    else:
        compare = Semver()
    entries = {}
    for document in documents(feed):
        if document.get("withdrawn") or is_informational(document):
            continue
        for entry in document.get("affected", []):
            package = entry["package"]
            if package["ecosystem"] == ecosystem:
                name = normal(ecosystem, package["name"])
                entries.setdefault(name, []).append((document, entry))
    lines = set()
    for name, version in sorted(set(packages(ecosystem, places))):
        for document, entry in entries.get(normal(ecosystem, name), []):
            if affected(entry, version, compare):
                names = [document["id"], *document.get("aliases", []), *document.get("upstream", [])]
                cves = [one for one in names if one.startswith("CVE-")]
                for one in {document["id"], *cves}:
                    lines.add(f"{normal(ecosystem, name)} {version} {one}")
    print("\n".join(sorted(lines)))


if __name__ == "__main__":
    main()
