"""Fails iff a package has another version in the second lock file than in the first."""

from __future__ import annotations

import re
import sys
from pathlib import Path


def versions(path: str) -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    for name, version in re.findall(r'^name = "(.*)"\nversion = "(.*)"$', Path(path).read_text(encoding="utf-8"), re.MULTILINE):
        found.setdefault(name, set()).add(version)
    return found


if __name__ == "__main__":
    program, package = versions(sys.argv[1]), versions(sys.argv[2])
    others = {name: sorted(own - program[name]) for name, own in package.items() if name in program and own - program[name]}
    if others:
        sys.exit(f"{sys.argv[2]} has other versions than {sys.argv[1]}: {others}; copy the latter and run cargo metadata")
