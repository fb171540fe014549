#!/usr/bin/env bash
# The report in a browser: what it says, that it asks for nothing, that a keyboard and a screen reader have all of it.
#
#   tests/browser/test.sh PAGES OUT     pages of synthetic runs, and a folder for screenshots
#
# NODE_PACKAGES is a folder with what `packages` lists, CHROMIUM a Chromium or Chrome. Where something is missing the test is
# skipped, with a word.
set -euo pipefail
here="$(cd "$(dirname "$0")" && pwd)"
packages="${NODE_PACKAGES:-$here}"

skip() { echo "report-test: skipped: $1"; exit 0; }
node -e 'process.exit(Number(parseInt(process.versions.node) < 20))' 2> /dev/null || skip "there is no Node 20"
for name in $(sed 's/@[^@]*$//' "$here/packages"); do
  [ -d "$packages/node_modules/$name" ] ||
    skip "there is no $name: npm install --prefix ${packages} --no-save --ignore-scripts $(tr '\n' ' ' < "$here/packages")"
done
browser="${CHROMIUM:-}"
for name in chromium chromium-browser google-chrome; do
  [ -n "$browser" ] || browser="$(command -v "$name" || true)"
done
[ -n "$browser" ] || skip "there is no Chromium: apt-get install chromium, or CHROMIUM=PROGRAM"
mkdir -p "$2"
PAGES="$(cd "$1" && pwd)" OUT="$(cd "$2" && pwd)" RELEASED="${RELEASED:-$here/../../calibration/pocket}" \
  NODE_PACKAGES="$(cd "$packages" && pwd)" CHROMIUM="$browser" node --test --test-reporter=spec "$here"/*.test.mjs
