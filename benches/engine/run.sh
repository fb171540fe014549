#!/bin/sh
# Times a model in process against transformers and llama.cpp, one after the other. See README.md.
#
#   TIMES=5 PYTHON=python3 benches/engine/run.sh
set -eu
cd "$(dirname "$0")/../.."
target="${CARGO_TARGET_DIR:-target}"
python="${PYTHON:-python3}"
times="${TIMES:-5}"
"$python" -c 'import torch, transformers, gguf, llama_cpp' || {
    echo "benches/engine/run.sh: needs a Python with the packages of benches/engine/requirements.txt; name it in PYTHON" >&2
    exit 2
}
cargo build --release --locked -p plimsoll-engine --example speed --example signals
models="$target/bench/models"
"$python" benches/engine/make_models.py "$models"
speed="$target/release/examples/speed"
reference="$python benches/engine/reference.py"
echo "load $(cut -d' ' -f1 /proc/loadavg 2>/dev/null || echo '?')"
for dtype in f32 bf16; do
    "$speed" "$models/135m" "$dtype" "$times"
    $reference transformers "$models/135m" "$dtype" "$times"
done
"$speed" "$models/135m-q8_0.gguf" f32 "$times"
$reference llama_cpp "$models/135m-q8_0.gguf" q8_0 "$times"
"$speed" "$models/1b" bf16 load
$reference transformers "$models/1b" bf16 1 load
"$target/release/examples/signals" "$target/bench/signals-135m" "${PROMPTS:-100}"
