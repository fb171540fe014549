"""Reads `cargo metadata`: every package that is built into the wheel may be shipped under Apache-2.0."""

from __future__ import annotations

import json
import sys

# Of a choice one must be among these.
ALLOWED = {"Apache-2.0", "Apache-2.0 WITH LLVM-exception", "BSD-2-Clause", "BSD-3-Clause", "MIT", "Unlicense"}
# The data of Unicode in a build tool's table of identifiers.
ALSO = "(MIT OR Apache-2.0) AND Unicode-3.0"

packages = json.load(sys.stdin)["packages"]
for package in packages:
    licence = package["license"] or ""
    if licence != ALSO and not ALLOWED.intersection(licence.replace("/", " OR ").split(" OR ")):
        sys.exit(f"{package['name']} has licence `{licence}`")
print(f"Python: the licences of {len(packages)} packages allow shipping")
