"""What the scripts that make vectors share: random inputs, and writing files.

Inputs are not stored: both sides draw them from the project's Philox streams (scion/random.h). Values are
computed by PyTorch in float64 from those float32 inputs and written with eight digits.
"""

import json
import os
import zlib

import numpy as np
import torch

FOLDER = os.path.join(os.path.dirname(os.path.abspath(__file__)), "vectors")
DATA = 6  # SCION_RANDOM_DATA

torch.set_num_threads(1)


def philox(seed, purpose, index, count):
    """The first `count` numbers of scion_random(seed, purpose, index), as uint32."""
    blocks = (count + 3) // 4
    word = np.uint64(0xFFFFFFFF)
    shift = np.uint64(32)
    c = [np.arange(blocks, dtype=np.uint64)]
    c += [np.full(blocks, x, np.uint64) for x in (purpose, index & 0xFFFFFFFF, index >> 32)]
    key = [seed & 0xFFFFFFFF, seed >> 32]
    for _ in range(10):
        p0 = np.uint64(0xD2511F53) * c[0]
        p1 = np.uint64(0xCD9E8D57) * c[2]
        c = [(p1 >> shift) ^ c[1] ^ np.uint64(key[0]), p1 & word,
             (p0 >> shift) ^ c[3] ^ np.uint64(key[1]), p0 & word]
        key = [(key[0] + 0x9E3779B9) & 0xFFFFFFFF, (key[1] + 0xBB67AE85) & 0xFFFFFFFF]
    return np.stack(c, 1).reshape(-1)[:count].astype(np.uint32)


def seed_of(name):
    """Derives a case's seed from its name, so that a new case does not change the others."""
    return zlib.crc32(name.encode())


def uniform(seed, index, shape, low=-1.0, high=1.0):
    """Uniform in [low, high): multiples of 2^-24 scaled in double, rounded to float32, held in float64."""
    bits = philox(seed, DATA, index, int(np.prod(shape, dtype=int)))
    unit = (bits >> np.uint32(8)).astype(np.float64) * 2.0**-24
    return torch.from_numpy((low + (high - low) * unit).astype(np.float32).astype(np.float64).reshape(shape))


def labels(seed, index, count, classes):
    return torch.from_numpy((philox(seed, DATA, index, count) % np.uint32(classes)).astype(np.int64))


def number(x):
    """Eight digits: half a unit of them is well below a float32's rounding."""
    return float("%.8g" % x)


def values(x):
    """A tensor's elements, row-major."""
    return [number(x) for x in x.detach().reshape(-1).tolist()]


def sample(x, most=64):
    """Describes a large tensor by its norm and evenly spread elements (all of them when there are few)."""
    flat = x.detach().reshape(-1)
    step = max(1, -(-flat.numel() // most))
    return {"norm": number(flat.norm().item()), "step": step, "values": values(flat[::step])}


def write(subject, cases):
    """One case a line, so that a change shows as the lines it changes."""
    os.makedirs(FOLDER, exist_ok=True)
    names = [case["name"] for case in cases]
    twice = {name for name in names if names.count(name) > 1}
    assert not twice, f"two cases of one name: {twice}"
    path = os.path.join(FOLDER, subject + ".json")
    with open(path, "w", newline="\n") as file:
        lines = [json.dumps(case, separators=(",", ":"), allow_nan=False) for case in cases]
        file.write("[\n" + ",\n".join(lines) + "\n]\n")
    print(f"{path}: {len(cases)} cases, {os.path.getsize(path)} bytes")
