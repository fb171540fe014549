"""Blocks of random bytes in every format, and what the `gguf` package unpacks them to.

    python blocks.py

Writes `blocks.gguf` beside itself: for each format a tensor of its name, of 4 rows of 512 values, and one called
`NAME.unpacked` in F32. Only the half-precision scales are not random: they are drawn as finite numbers.
"""

from pathlib import Path

import gguf
import numpy as np
from gguf import GGMLQuantizationType as Format

import vocabularies

VERSIONS = {"numpy": "2.4.6", "gguf": "0.19.0"}
ROWS, ROW = 4, 512

# Where the half-precision numbers of a block stand.
SCALES = {
    Format.Q4_0: [0],
    Format.Q4_1: [0, 2],
    Format.Q5_0: [0],
    Format.Q5_1: [0, 2],
    Format.Q8_0: [0],
    Format.Q2_K: [80, 82],
    Format.Q3_K: [108],
    Format.Q4_K: [0, 2],
    Format.Q5_K: [0, 2],
    Format.Q6_K: [208],
}


def blocks(used, random):
    """Rows of blocks."""
    values, size = gguf.GGML_QUANT_SIZES[used]
    data = random.integers(0, 256, (ROWS * ROW // values, size), dtype=np.uint8)
    for at in SCALES[used]:
        scale = random.normal(0, 1, len(data)).astype(np.float16)
        data[:, at : at + 2] = scale.view(np.uint8).reshape(-1, 2)
    return data.reshape(ROWS, -1)


def main():
    vocabularies.check_versions(VERSIONS)
    random = np.random.default_rng(11)
    writer = gguf.GGUFWriter(Path(__file__).with_name("blocks.gguf"), "blocks")
    tensors = {used: blocks(used, random) for used in SCALES}
    for used in (Format.F16, Format.BF16):
        tensors[used] = gguf.quants.quantize(random.normal(0, 1, (ROWS, ROW)).astype(np.float32), used)
    for used, data in tensors.items():
        unpacked = gguf.quants.dequantize(data, used).astype(np.float32)
        writer.add_tensor(used.name, data.view(np.uint8), raw_dtype=used)
        writer.add_tensor(f"{used.name}.unpacked", unpacked)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


if __name__ == "__main__":
    main()
