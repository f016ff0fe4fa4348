#!/usr/bin/python3
"""Vectors of the datasets' transforms: the transformed inputs."""

import numpy as np
import torch
import torch.nn.functional as F

import vectors


def rotate(x, degrees, fill=0.0):
    """grid_sample() at the pixels turned back; y points down. Right angles by rot90(), which moves pixels."""
    height, width = x.shape[-2:]
    if degrees % 180 == 0 or (degrees % 90 == 0 and height == width):
        return torch.rot90(x, int(degrees // 90), (-2, -1))
    angle = np.deg2rad(np.float64(np.float32(degrees)))
    y, x0 = np.meshgrid(np.arange(height) - (height - 1) / 2, np.arange(width) - (width - 1) / 2, indexing="ij")
    turned = (x0 + 1j * -y) * np.exp(-1j * angle)  # as complex numbers, with y upwards
    grid = np.stack([2 * turned.real / width, 2 * -turned.imag / height], -1)
    fill = float(np.float32(fill))
    moved = F.grid_sample(x[None] - fill, torch.from_numpy(grid)[None], mode="bilinear", padding_mode="zeros",
                          align_corners=False)
    return moved[0] + fill


def resize(x, size):
    size = size if isinstance(size, list) else [size, size]
    return F.interpolate(x[None], size=size, mode="bilinear", align_corners=False)[0]


def blur(x, sigma):
    """What scipy.ndimage.gaussian_filter(x, (0, sigma, sigma)) computes."""
    sigma = float(np.float32(sigma))
    reach = int(4 * sigma + 0.5)
    kernel = np.exp(-0.5 * (np.arange(-reach, reach + 1) / sigma) ** 2)
    kernel /= kernel.sum()
    y = x.numpy()
    for axis in (1, 2):
        pad = [(reach, reach) if a == axis else (0, 0) for a in range(3)]
        longer = np.pad(y, pad, mode="symmetric")
        y = sum(kernel[k] * np.take(longer, range(k, k + y.shape[axis]), axis) for k in range(2 * reach + 1))
    return torch.from_numpy(y)


def invert(x):
    return 1 - x


def channels(x, count):
    if x.shape[0] == 1:
        return x.repeat(count, 1, 1)
    return (x[0] * 299 + x[1] * 587 + x[2] * 114)[None] / 1000


def written(transform):
    use, given = transform
    return "{" + ", ".join([f"use: {use}"] + [f"{key}: {value}" for key, value in given.items()]) + "}"


def case(shape, *transforms, element="floats"):
    config = "{transform: [" + ", ".join(written(t) for t in transforms) + "]}"
    name = f"{element} {'x'.join(map(str, shape))} {config}"
    seed = vectors.seed_of(name)
    if element == "bytes":
        x = vectors.labels(seed, 0, int(np.prod(shape)), 256).double().reshape(shape) / 255
    else:
        x = vectors.uniform(seed, 0, shape)
    if len(shape) == 2:
        x = x[None]
    for use, given in transforms:
        x = globals()[use](x, **given)
    after = list(x.shape) if len(shape) == 3 or transforms[-1][0] == "channels" else list(x.shape[1:])
    return {"name": name, "config": config, "seed": seed, "shape": shape, "bytes": element == "bytes",
            "relative": 2e-6, "floor": 1, "after": after, "values": vectors.values(x)}


def cases():
    shapes = [[1, 7, 7], [3, 6, 9], [5, 8]]
    for shape in shapes:
        for degrees in (30, -12.5, 45, 137, 359.5):
            yield case(shape, ("rotate", {"degrees": degrees}))
        yield case(shape, ("rotate", {"degrees": 180}))
        yield case(shape, ("rotate", {"degrees": 25, "fill": 0.75}))
        yield case(shape, ("rotate", {"degrees": 60, "fill": -2}), element="bytes")
        for size in ([4, 5], [13, 10], [5, 16], [1, 1], 12):
            yield case(shape, ("resize", {"size": size}))
        yield case(shape, ("resize", {"size": 3}), element="bytes")
        for sigma in (0.5, 1, 2.25, 6):
            yield case(shape, ("blur", {"sigma": sigma}))
        yield case(shape, ("blur", {"sigma": 1}), element="bytes")
    for degrees in (90, 270, -90, -270):
        yield case([2, 5, 5], ("rotate", {"degrees": degrees}))
    yield case([2, 1, 1], ("rotate", {"degrees": 45, "fill": 1}))
    yield case([1, 1, 40], ("blur", {"sigma": 1.5}))
    yield case([1, 35, 17], ("blur", {"sigma": 0.75}))
    yield case([3, 4, 5], ("channels", {"count": 1}))
    yield case([3, 4, 5], ("channels", {"count": 1}), element="bytes")
    yield case([1, 4, 5], ("channels", {"count": 3}), element="bytes")
    yield case([4, 5], ("channels", {"count": 2}))
    yield case([2, 3, 4], ("invert", {}), element="bytes")
    yield case([3, 6, 7], ("channels", {"count": 1}), ("rotate", {"degrees": 20}), ("invert", {}),
               ("resize", {"size": [8, 8]}), ("blur", {"sigma": 0.8}), ("channels", {"count": 3}), element="bytes")
    yield case([1, 6, 6], ("invert", {}), ("channels", {"count": 3}), ("resize", {"size": [4, 9]}),
               element="bytes")


if __name__ == "__main__":
    vectors.write("transforms", list(cases()))
