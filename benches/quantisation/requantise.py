"""Writes the packed weights of a GGUF file again in another type, everything else as it is.

    python requantise.py IN.gguf OUT.gguf Q4_0

Needs gguf 0.19 and numpy. Weights are unpacked to f32 and rounded anew, so OUT has the rounding of both types.
"""

import sys

import numpy
from gguf import GGMLQuantizationType, GGUFReader, GGUFValueType, GGUFWriter, quants

# Written by GGUFWriter itself, or no longer true.
LEFT_OUT = {"general.architecture", "general.file_type"}
KEPT = {GGMLQuantizationType.F32, GGMLQuantizationType.F16}


def main(source, target, kind):
    reader = GGUFReader(source)
    writer = GGUFWriter(target, reader.get_field("general.architecture").contents())
    for field in reader.fields.values():
        if field.name.startswith("GGUF.") or field.name in LEFT_OUT:
            continue
        of = field.types[-1] if field.types[0] == GGUFValueType.ARRAY else None
        writer.add_key_value(field.name, field.contents(), field.types[0], of)
    packed = 0
    for tensor in reader.tensors:
        if tensor.tensor_type in KEPT:
            writer.add_tensor(tensor.name, tensor.data, raw_dtype=tensor.tensor_type)
            continue
        shape = [int(size) for size in reversed(tensor.shape)]
        values = quants.dequantize(tensor.data, tensor.tensor_type).reshape(shape).astype(numpy.float32)
        writer.add_tensor(tensor.name, quants.quantize(values, kind), raw_dtype=kind)
        packed += 1
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    print(f"{packed} tensors as {kind.name}")


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], GGMLQuantizationType[sys.argv[3]])
