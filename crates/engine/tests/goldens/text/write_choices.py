"""Which tokens the sampler draws: SHA-256 seeds, ChaCha8, the cumulative distribution, written from their definitions.

Prints the list that stands in `src/sampling/tests.rs`. Needs nothing but Python.

    python3 crates/engine/tests/goldens/text/write_choices.py
"""

import hashlib
import math
import struct

MASK = 0xFFFFFFFF


def derive(seed, index):
    return hashlib.sha256(seed + struct.pack("<Q", index)).digest()


def first_u64(key):
    """The first 64 bits of the ChaCha8 stream of a key, nonce 0."""
    start = [0x61707865, 0x3320646E, 0x79622D32, 0x6B206574, *struct.unpack("<8I", key), 0, 0, 0, 0]
    x = start[:]

    def rotate(value, bits):
        return ((value << bits) | (value >> (32 - bits))) & MASK

    def quarter(a, b, c, d):
        for bits_d, bits_b in [(16, 12), (8, 7)]:
            x[a] = (x[a] + x[b]) & MASK
            x[d] = rotate(x[d] ^ x[a], bits_d)
            x[c] = (x[c] + x[d]) & MASK
            x[b] = rotate(x[b] ^ x[c], bits_b)

    for _ in range(4):
        for column in range(4):
            quarter(column, 4 + column, 8 + column, 12 + column)
        for column in range(4):
            quarter(column, 4 + (column + 1) % 4, 8 + (column + 2) % 4, 12 + (column + 3) % 4)
    low, high = ((value + first) & MASK for value, first in zip(x[:2], start[:2]))
    return low | high << 32


def draw(weights, uniform):
    target, cumulative = uniform * sum(weights), 0.0
    for token, weight in enumerate(weights):
        cumulative += weight
        if cumulative > target:
            return token


SEED = hashlib.sha256(struct.pack("<Q", 50)).digest()
WEIGHTS = [math.exp(token % 7 - 6) for token in range(50)]
print([draw(WEIGHTS, (first_u64(derive(SEED, index)) >> 11) * 2.0**-53) for index in range(8)])
