#!/bin/sh
# Shows on this machine what docs/scaling.md says of many: make cluster-proof. See README.md.
#
#   SERIES=12 ROWS=200000 LIMIT_MIB=400 CHUNKS=48 PYTHON=python3 benches/cluster/proof.sh
set -eu
cd "$(dirname "$0")/../.."
python="${PYTHON:-python3}"
target="${CARGO_TARGET_DIR:-target}"
"$python" -c 'import moto.server, numpy, pyarrow' 2>/dev/null || {
    echo "cluster-proof needs a Python with the packages of benches/cluster/requirements.txt; name it: make cluster-proof PYTHON=ITS/bin/python" >&2
    exit 2
}
${CARGO:-cargo} build --locked -p plimsoll --features cloud
exec "$python" benches/cluster/proof.py --program "$target/debug/plimsoll" --out "$target/cluster-proof" \
    --series "${SERIES:-12}" --rows "${ROWS:-200000}" --limit-mib "${LIMIT_MIB:-400}" --chunks "${CHUNKS:-48}"
