#!/usr/bin/python3
"""Vectors of every operation in scion/tensor.h and every loss in scion/losses.h: its output, and the gradient of
sum(output * r), for a random r, with respect to each input."""

import numpy as np
import torch
import torch.nn.functional as F

import formulas
import vectors

UPSTREAM = 100  # the stream of r; an input's stream is its position


def first_max(args, x):
    """The maximum over axes, whose gradient goes to the first of equal ones in row-major order."""
    axes = axes_of(args, x)
    rest = [i for i in range(x.dim()) if i not in axes]
    kept = [1 if i in axes else n for i, n in enumerate(x.shape)]
    flat = x.permute(rest + axes).reshape([x.shape[i] for i in rest] + [-1])
    order = torch.from_numpy(np.asarray(flat.detach().numpy().argmax(-1))).unsqueeze(-1)
    result = flat.gather(-1, order).squeeze(-1)
    return result.reshape(kept) if args.get("keep") else result


def axes_of(args, x):
    given = range(x.dim()) if args["axes"] == "all" else args["axes"]
    return sorted(axis % x.dim() for axis in given)


def over_axes(function):
    def reduce(args, x):
        axes = axes_of(args, x)
        return function(x, axes, keepdim=args.get("keep", False)) if axes else x * 1

    return reduce


def matmul(args, a, b):
    return torch.matmul(a.transpose(-1, -2) if args.get("transpose_a") else a,
                        b.transpose(-1, -2) if args.get("transpose_b") else b)


def pair(args, key, default):
    return tuple(args.get(key, (default, default)))


def conv2d(args, x, weight, bias=None):
    return F.conv2d(x, weight, bias, pair(args, "stride", 1), pair(args, "padding", 0),
                    pair(args, "dilation", 1), args.get("groups", 1))


def max_pool2d(args, x):
    return F.max_pool2d(x, args["kernel"], args.get("stride"), args.get("padding", 0))


def avg_pool2d(args, x):
    return F.avg_pool2d(x, args["kernel"], args.get("stride"), args.get("padding", 0),
                        count_include_pad=not args.get("exclude_padding", False))


def adaptive_avg_pool2d(args, x):
    return F.adaptive_avg_pool2d(x, (args["height"], args["width"]))


def batch_norm(args, x, weight, bias, mean, variance):
    return F.batch_norm(x, mean.clone(), variance.clone(), weight, bias, args["training"], 0.1, args["eps"])


def batch_norm_running(args, x, mean, variance):
    """The running statistics after three steps of training, on a third of x each."""
    mean, variance = mean.clone(), variance.clone()
    for part in x.chunk(3):
        F.batch_norm(part, mean, variance, None, None, True, args["momentum"], 1e-5)
    return torch.cat([mean, variance])


# The reference, and the tolerance: an element may differ by
#     relative * (|its value| + floor * root mean square of the tensor).
# A floor of 0 asks for a relative error. Where terms cancel (sums, 1 - y^2) float32 gives no more than an
# error relative to the terms, which the root mean square stands for.
OPS = {
    "add": (lambda args, a, b: a + b, 1e-6, 0),
    "sub": (lambda args, a, b: a - b, 1e-6, 0),
    "mul": (lambda args, a, b: a * b, 1e-6, 0),
    "div": (lambda args, a, b: a / b, 1e-6, 0),
    "neg": (lambda args, x: -x, 1e-6, 0),
    "scale": (lambda args, x: args["factor"] * x, 1e-6, 0),
    "shift": (lambda args, x: x + args["offset"], 1e-6, 0),
    "exp": (lambda args, x: x.exp(), 1e-6, 0),
    "log": (lambda args, x: x.log(), 1e-6, 0.1),
    "sqrt": (lambda args, x: x.sqrt(), 1e-6, 0),
    "pow": (lambda args, x: x.pow(args["exponent"]), 1e-6, 0),
    "abs": (lambda args, x: x.abs(), 1e-6, 0),
    "relu": (lambda args, x: x.relu(), 1e-6, 0),
    "sigmoid": (lambda args, x: x.sigmoid(), 2e-6, 1),
    "tanh": (lambda args, x: x.tanh(), 1e-6, 1),
    "huber": (lambda args, x: F.huber_loss(x, x * 0, reduction="none", delta=args["delta"]), 1e-6, 0),
    "reverse_gradient": (lambda args, x: x.detach() - args["factor"] * (x - x.detach()), 1e-6, 0),
    "dropout": (lambda args, x: x * 1, 1e-6, 0),  # in evaluation
    "detach": (lambda args, x: x * x.detach(), 1e-6, 0),  # x * detach(x)
    "square": (lambda args, x: x * x, 1e-6, 0),  # mul(x, x): two gradients add up
    "sum": (over_axes(torch.sum), 1e-6, 1),
    "mean": (over_axes(torch.mean), 1e-6, 1),
    "max": (first_max, 1e-6, 0),
    "softmax": (lambda args, x: x.softmax(args["axis"]), 2e-6, 1),
    "log_softmax": (lambda args, x: x.log_softmax(args["axis"]), 2e-6, 1),
    "logsumexp": (lambda args, x: x.logsumexp(args["axis"]), 2e-6, 1),
    "norm": (lambda args, x: formulas.norm(x, axes_of(args, x), args["keep"]), 2e-6, 1),
    "normalize": (lambda args, x: formulas.normalize(x, axes_of(args, x), args["eps"]), 2e-6, 1),
    "pairwise_squared_distance": (lambda args, a, b: formulas.pairwise_squared_distance(a, b), 1e-6, 1),
    "pairwise_distance": (lambda args, a, b: formulas.pairwise_distance(a, b), 1e-6, 1),
    "pairwise_squared_distance_own": (lambda args, x: formulas.pairwise_squared_distance(x, x), 1e-6, 1),
    "pairwise_distance_own": (lambda args, x: formulas.pairwise_distance(x, x), 1e-6, 1),
    "pick": (lambda args, x, y: x.gather(1, y.unsqueeze(1)).squeeze(1), 1e-6, 0),
    "one_hot": (lambda args, y: F.one_hot(y, args["classes"]).double(), 0, 0),
    "reshape": (lambda args, x: x.reshape(args["shape"]), 1e-6, 0),
    "flatten": (lambda args, x: x.flatten(args["first"]), 1e-6, 0),
    "permute": (lambda args, x: x.permute(args["order"]), 1e-6, 0),
    "transpose": (lambda args, x: x.transpose(*args["axes"]), 1e-6, 0),
    "slice": (lambda args, x: x.narrow(args["axis"], args["start"], args["length"]), 1e-6, 0),
    "concat": (lambda args, *x: torch.cat(x, args["axis"]), 1e-6, 0),
    "matmul": (matmul, 2e-6, 1),
    "linear": (lambda args, x, weight, bias=None: F.linear(x, weight, bias), 2e-6, 1),
    "conv2d": (conv2d, 2e-6, 1),
    "max_pool2d": (max_pool2d, 1e-6, 0.1),
    "avg_pool2d": (avg_pool2d, 1e-6, 1),
    "adaptive_avg_pool2d": (adaptive_avg_pool2d, 1e-6, 1),
    "batch_norm": (batch_norm, 4e-6, 1),
    "batch_norm_running": (batch_norm_running, 1e-6, 1),
    "cross_entropy": (lambda args, x, y: F.cross_entropy(x, y), 2e-6, 1),
    "kl_divergence": (lambda args, a, b: formulas.kl_divergence(a, b, args["temperature"]), 1e-6, 1),
    "mse": (lambda args, a, b: F.mse_loss(a, b), 1e-6, 1),
    "smooth_l1": (lambda args, a, b: formulas.smooth_l1(a, b), 1e-6, 1),
    "cosine_distance": (lambda args, a, b: formulas.cosine_distance(a, b), 2e-6, 1),
    "coral": (lambda args, x, y: formulas.coral(x, y), 2e-6, 1),
    "mmd": (lambda args, x, y: formulas.mmd(x, y, **args), 5e-6, 1),
}


def spec(x):
    """An input: a shape (uniform in [-1, 1)), or a dict."""
    return x if isinstance(x, dict) else {"shape": list(x)}


def draw(x, seed, index):
    if "labels" in x:
        return vectors.labels(seed, index, x["shape"][0], x["labels"])
    if "values" in x:
        return torch.tensor(x["values"], dtype=torch.float32).double().reshape(x["shape"])
    return vectors.uniform(seed, index, x["shape"], x.get("low", -1.0), x.get("high", 1.0))


def case(op, *inputs, blocked=None, note="", floor=None, **args):
    """`blocked`: the first input goes through a 3x3 convolution to so many channels first, so that the
    operation gets a tensor in the layout of the convolution's result; the weight is a further input."""
    inputs = [spec(x) for x in inputs]
    if blocked:
        inputs.append(spec((blocked, inputs[0]["shape"][1], 3, 3)))
    words = [op] + ["x".join(str(n) for n in x["shape"]) or "scalar" for x in inputs]
    words += [f"{key}={value}".replace(" ", "") for key, value in args.items()]
    words += ["after-conv2d"] if blocked else []
    name = " ".join(words + ([note] if note else []))
    seed = vectors.seed_of(name)
    function, relative, op_floor = OPS[op]

    x = [draw(spec, seed, i) for i, spec in enumerate(inputs)]
    leaves = [i for i, spec in enumerate(inputs) if "labels" not in spec and spec.get("grad", True)]
    for i in leaves:
        x[i].requires_grad_()
    if blocked:
        output = function(args, F.conv2d(x[0], x[-1], padding=1), *x[1:-1])
        relative, op_floor = max(relative, 2e-6), 1
    else:
        output = function(args, *x)
    shrunk = sum(list(x[i].shape) != list(output.shape) for i in leaves)
    if op in ("add", "sub", "mul", "div") and shrunk:
        op_floor = 1  # a broadcast input's gradient is a sum
    made = {"name": name, "op": op, "seed": seed, "args": args, "blocked": bool(blocked),
            "relative": relative, "floor": op_floor if floor is None else floor,
            "inputs": inputs, "shape": list(output.shape), "output": vectors.values(output), "gradients": {}}
    if leaves:
        upstream = vectors.uniform(seed, UPSTREAM, list(output.shape))
        gradients = torch.autograd.grad((output * upstream).sum(), [x[i] for i in leaves])
        made["gradients"] = {str(i): vectors.values(g) for i, g in zip(leaves, gradients)}
    return made


def between(low, high, *shape):
    return {"shape": list(shape), "low": low, "high": high}


def exactly(values, *shape):
    return {"shape": list(shape), "values": values}


def of_labels(count, classes):
    return {"shape": [count], "labels": classes}


def element_by_element():
    shapes = [(5,), (3, 7), (2, 3, 4, 5)]
    pairs = [((33,), (33,)), ((3, 7), (3, 7)), ((2, 17, 2, 3), (2, 17, 2, 3)), ((2, 3, 4, 5), (5,)),
             ((2, 3, 4, 5), (3, 1, 1)), ((4, 1), (1, 6)), ((), (2, 3)), ((2, 3), ()), ((1,), (7,)),
             ((2, 1, 4), (3, 1)), ((2, 17, 2, 2), (1, 17, 1, 1)), ((1, 1, 1, 2, 1, 2), (2, 1, 3, 1, 2, 1))]
    for op in ("add", "sub", "mul"):
        for a, b in pairs:
            yield case(op, a, b)
        yield case(op, (1, 1, 4, 4), (16, 1, 1), blocked=16)
        yield case(op, (1, 1, 4, 4), (1, 16, 4, 4), blocked=16)
    for a, b in pairs:
        yield case("div", a, between(0.5, 2, *b))
    yield case("div", (2, 9), between(-4, -0.25, 9))
    yield case("div", (1, 1, 4, 4), between(0.5, 2, 16, 1, 1), blocked=16)
    for shape in shapes + [(), (131,)]:
        yield case("neg", shape)
        yield case("scale", shape, factor=-2.5)
    for shape in shapes + [()]:
        yield case("shift", shape, offset=0.75)
        yield case("exp", between(-4, 4, *shape))
        yield case("log", between(0.125, 4, *shape))
        yield case("sqrt", between(0.125, 4, *shape))
        yield case("abs", shape)
        yield case("relu", shape)
        yield case("sigmoid", between(-8, 8, *shape))
        yield case("tanh", between(-4, 4, *shape))
        yield case("dropout", shape, p=0.5)
        yield case("detach", shape)
        yield case("square", shape)
    yield case("scale", (3, 5), factor=0)
    yield case("exp", exactly([-80.0, -20.0, 0.0, 20.0, 80.0], 5), note="extremes")
    yield case("log", exactly([1e-30, 1e-6, 1.0, 1e6, 1e30], 5), note="extremes", floor=0)
    yield case("sqrt", exactly([1e-30, 1e-6, 1.0, 1e6, 1e30], 5), note="extremes")
    yield case("sigmoid", exactly([-50.0, -10.0, -1e-6, 0.0, 1e-6, 10.0, 50.0], 7), note="extremes")
    yield case("tanh", exactly([-50.0, -9.0, -1e-4, 0.0, 1e-4, 9.0, 50.0], 7), note="extremes")
    yield case("tanh", exactly([-1e-4, 1e-6, 1e-3, 0.01, 0.1], 5), note="small", floor=0)
    yield case("abs", exactly([-2.0, 0.0, 3.0], 3), note="zero")
    yield case("relu", exactly([-2.0, 0.0, 3.0, 0.0], 2, 2), note="zero")
    for exponent in (2.0, 3.0, 0.5, -1.0, 1.5, 1.0, 0.0):
        for shape in shapes:
            yield case("pow", between(0.25, 3, *shape), exponent=exponent)
    for exponent in (2.0, 3.0, -1.0):
        yield case("pow", between(-3, -0.25, 4, 5), exponent=exponent, note="negative")
    for exponent in (1.0, 2.0, 3.0):
        yield case("pow", exactly([0.0, 1.0, -1.0], 3), exponent=exponent, note="zero")
    for op in ("neg", "abs", "relu", "sigmoid", "tanh", "exp", "square", "detach"):
        yield case(op, (1, 1, 4, 4), blocked=16)
    yield case("relu", (2, 1, 3, 4), blocked=17)
    yield case("scale", (1, 1, 4, 4), blocked=16, factor=0.5)


def over_axes_cases():
    for op in ("sum", "mean", "max"):
        for keep in (False, True):
            yield case(op, (7,), axes="all", keep=keep)
            yield case(op, (3, 7), axes=[0], keep=keep)
            yield case(op, (3, 7), axes=[-1], keep=keep)
            yield case(op, (17, 19), axes=[1], keep=keep)
            yield case(op, (2, 3, 4, 5), axes="all", keep=keep)
            yield case(op, (2, 3, 4, 5), axes=[0, 2, 3], keep=keep)
            yield case(op, (2, 3, 4, 5), axes=[1], keep=keep)
            yield case(op, (2, 3, 4, 5), axes=[1, -1], keep=keep)
            yield case(op, (2, 2, 2, 2, 2, 3), axes=[0, 2, 4], keep=keep)
        yield case(op, (), axes="all")
        yield case(op, (2, 3), axes=[])
        yield case(op, (131,), axes="all")
        yield case(op, (2, 2, 3, 3), axes=[0, 2, 3], blocked=16)
        yield case(op, (2, 2, 3, 3), axes=[1], blocked=17)
    yield case("max", exactly([1.0, 5.0, 5.0, 2.0, 5.0, 1.0], 2, 3), axes="all", note="ties")
    yield case("max", exactly([1.0, 5.0, 5.0, 5.0, 5.0, 1.0, 3.0, 3.0, 3.0], 3, 3), axes=[0], note="ties")
    yield case("max", exactly([1.0, 5.0, 5.0, 5.0, 5.0, 1.0, 3.0, 3.0, 3.0], 3, 3), axes=[1], note="ties")
    yield case("max", exactly([2.0, 7.0, 7.0, 1.0, 7.0, 7.0, 0.0, 7.0], 2, 2, 2), axes=[0, 2], note="ties")
    extremes = exactly([1000.0, -1000.0, 0.0, 88.0, 88.0, -88.0, 1e6, 1e6, 1e6, -1e4, -1e4, -1.0001e4,
                        1e-30, 0.0, -1e-30], 5, 3)
    for op in ("softmax", "log_softmax"):
        yield case(op, (7,), axis=0)
        yield case(op, between(-3, 3, 3, 7), axis=1)
        yield case(op, between(-3, 3, 3, 7), axis=0)
        yield case(op, between(-3, 3, 16, 10), axis=-1)
        yield case(op, between(-3, 3, 2, 17, 3, 2), axis=1)
        yield case(op, (2, 3, 4, 5), axis=-2)
        yield case(op, (4, 1), axis=1)
        yield case(op, extremes, axis=1, note="extremes")
        yield case(op, (1, 1, 3, 4), axis=1, blocked=16)
    yield case("pick", (5, 3), of_labels(5, 3))
    yield case("pick", (1, 10), of_labels(1, 10))
    yield case("pick", (19, 17), of_labels(19, 17))
    yield case("pick", (4, 1), of_labels(4, 1))
    yield case("one_hot", of_labels(5, 3), classes=3)
    yield case("one_hot", of_labels(1, 10), classes=10)
    yield case("one_hot", of_labels(17, 5), classes=7)


def shapes():
    yield case("reshape", (6,), shape=[2, 3])
    yield case("reshape", (2, 3, 4), shape=[4, -1])
    yield case("reshape", (1,), shape=[])
    yield case("reshape", (), shape=[1, 1])
    yield case("reshape", (2, 17), shape=[17, 1, 2])
    yield case("reshape", (1, 1, 4, 4), shape=[4, -1, 2], blocked=16)
    yield case("flatten", (2, 3, 4, 5), first=1)
    yield case("flatten", (2, 3, 4, 5), first=0)
    yield case("flatten", (2, 3, 4, 5), first=-2)
    yield case("flatten", (7, 1), first=1)
    yield case("flatten", (2, 3, 3, 3), first=1, blocked=17)
    yield case("permute", (3, 7), order=[1, 0])
    yield case("permute", (2, 3, 4, 5), order=[0, 2, 3, 1])
    yield case("permute", (2, 3, 4, 5), order=[3, 1, 0, 2])
    yield case("permute", (17, 5, 3), order=[2, 0, 1])
    yield case("permute", (2, 1, 3, 2, 1, 2), order=[5, 3, 1, 0, 2, 4])
    yield case("permute", (2, 1, 3, 4), order=[0, 2, 3, 1], blocked=16)
    yield case("transpose", (3, 7), axes=[0, 1])
    yield case("transpose", (2, 3, 4, 5), axes=[1, 3])
    yield case("transpose", (17, 19), axes=[-1, -2])
    yield case("transpose", (5,), axes=[0, 0])
    yield case("transpose", (2, 1, 3, 4), axes=[1, -1], blocked=16)
    yield case("slice", (9,), axis=0, start=2, length=5)
    yield case("slice", (3, 7), axis=1, start=0, length=1)
    yield case("slice", (3, 7), axis=0, start=2, length=1)
    yield case("slice", (2, 5, 3, 4), axis=1, start=1, length=3)
    yield case("slice", (2, 5, 3, 4), axis=-1, start=3, length=1)
    yield case("slice", (4, 17), axis=1, start=0, length=17)
    yield case("slice", (2, 1, 3, 4), axis=1, start=3, length=10, blocked=16)
    yield case("slice", (3, 1, 3, 2), axis=0, start=1, length=2, blocked=17)
    yield case("concat", (5,), axis=0)
    yield case("concat", (3,), (5,), axis=0)
    yield case("concat", (3, 2), (3, 5), (3, 1), axis=1)
    yield case("concat", (2, 7), (3, 7), axis=-2)
    yield case("concat", (2, 3, 2, 2), (2, 17, 2, 2), (2, 1, 2, 2), (2, 2, 2, 2), axis=1)
    yield case("concat", (2, 3), {"shape": [2, 4], "grad": False}, (2, 1), axis=1, note="constant")
    yield case("concat", (2, 1, 3, 4), (2, 5, 3, 4), axis=1, blocked=16)


def products():
    for a, b in (((3, 4), (4, 5)), ((17, 19), (19, 5)), ((2, 3, 4), (2, 4, 5))):
        for ta in (False, True):
            for tb in (False, True):
                left = a[:-2] + (a[-1], a[-2]) if ta else a
                right = b[:-2] + (b[-1], b[-2]) if tb else b
                yield case("matmul", left, right, transpose_a=ta, transpose_b=tb)
    yield case("matmul", (2, 3, 4, 5), (2, 3, 5, 6))
    yield case("matmul", (2, 1, 3, 4), (5, 4, 2))
    yield case("matmul", (3, 4), (6, 4, 5))
    yield case("matmul", (6, 3, 4), (4, 5))
    yield case("matmul", (2, 1, 4, 3), (5, 2, 4), transpose_a=True, transpose_b=True)
    yield case("matmul", (4, 3), (2, 3, 4, 5), transpose_a=True)
    yield case("matmul", (2, 2, 1, 3, 4), (3, 5, 4), transpose_b=True)
    yield case("matmul", (1, 7), (7, 1))
    yield case("matmul", (7, 1), (1, 7))
    yield case("matmul", {"shape": [5, 6], "grad": False}, (6, 3), note="constant-left")
    yield case("matmul", (5, 6), {"shape": [6, 3], "grad": False}, note="constant-right")
    for bias in (True, False):
        rest = lambda out: [(out,)] if bias else []
        yield case("linear", (5, 7), (3, 7), *rest(3))
        yield case("linear", (4, 17), (16, 17), *rest(16))
        yield case("linear", (2, 33), (10, 33), *rest(10))
        yield case("linear", (7,), (3, 7), *rest(3))
        yield case("linear", (2, 3, 4), (5, 4), *rest(5))
        yield case("linear", (1, 1), (1, 1), *rest(1))
    yield case("linear", {"shape": [9, 20], "grad": False}, (6, 20), (6,), note="constant")
    yield case("linear", (3, 5), {"shape": [4, 5], "grad": False}, {"shape": [4], "grad": False},
               note="frozen")


def convolutions():
    yield case("conv2d", (2, 1, 9, 8), (6, 1, 5, 5), (6,), padding=[2, 2])
    yield case("conv2d", (1, 3, 7, 7), (16, 3, 3, 3), (16,), stride=[2, 2], padding=[1, 1])
    yield case("conv2d", (2, 5, 4, 5), (17, 5, 2, 3))
    yield case("conv2d", (1, 6, 6, 6), (5, 6, 5, 5), (5,))
    yield case("conv2d", (1, 16, 4, 5), (16, 16, 3, 3), (16,), padding=[1, 1])
    yield case("conv2d", (2, 17, 3, 4), (5, 17, 1, 1), (5,))
    yield case("conv2d", (1, 16, 5, 4), (32, 16, 1, 1), stride=[2, 2])
    yield case("conv2d", (2, 6, 5, 6), (6, 1, 3, 3), (6,), padding=[1, 1], groups=6)
    yield case("conv2d", (1, 16, 5, 5), (16, 1, 3, 3), stride=[2, 2], padding=[1, 1], groups=16)
    yield case("conv2d", (2, 17, 4, 4), (17, 1, 3, 3), (17,), padding=[1, 1], groups=17)
    yield case("conv2d", (2, 6, 6, 6), (4, 3, 3, 2), (4,), stride=[2, 1], padding=[1, 0], groups=2)
    yield case("conv2d", (2, 6, 5, 5), (9, 2, 3, 3), stride=[2, 2], padding=[1, 1], groups=3)
    yield case("conv2d", (1, 3, 9, 8), (5, 3, 3, 3), (5,), dilation=[2, 2])
    yield case("conv2d", (1, 5, 7, 9), (3, 5, 3, 3), (3,), padding=[2, 3], dilation=[2, 3])
    yield case("conv2d", (1, 17, 5, 6), (3, 17, 3, 3), stride=[2, 2], padding=[2, 2], dilation=[2, 2])
    yield case("conv2d", (3, 1, 5, 5), (1, 1, 5, 5), (1,))
    yield case("conv2d", (2, 3, 8, 6), (5, 3, 2, 4), (5,), stride=[3, 2], padding=[0, 1])
    yield case("conv2d", {"shape": [2, 3, 6, 6], "grad": False}, (16, 3, 3, 3), (16,), note="constant")
    yield case("conv2d", (1, 3, 5, 5), {"shape": [6, 3, 3, 3], "grad": False}, {"shape": [6], "grad": False},
               note="frozen")
    yield case("conv2d", (1, 3, 5, 5), (5, 16, 2, 2), (5,), blocked=16)


def pools():
    windows = [dict(kernel=[2, 2]), dict(kernel=[3, 3], stride=[2, 2], padding=[1, 1]),
               dict(kernel=[3, 2], stride=[2, 1], padding=[1, 0]), dict(kernel=[3, 3], stride=[1, 1]),
               dict(kernel=[2, 3], stride=[3, 2], padding=[1, 1])]
    inputs = [(2, 1, 6, 6), (1, 5, 7, 5), (1, 16, 5, 6), (2, 17, 4, 5), (1, 6, 7, 7)]
    for shape, window in zip(inputs, windows):
        yield case("max_pool2d", shape, **window)
        yield case("avg_pool2d", shape, **window)
        if "padding" in window:
            yield case("avg_pool2d", shape, exclude_padding=True, **window)
    yield case("max_pool2d", between(-3, -1, 2, 3, 5, 5), kernel=[3, 3], stride=[2, 2], padding=[1, 1],
               note="negative")
    yield case("max_pool2d", (1, 3, 4, 4), kernel=[4, 4])
    yield case("avg_pool2d", (1, 3, 4, 4), kernel=[4, 4])
    for channels in (16, 17):
        yield case("max_pool2d", (1, 1, 6, 6), kernel=[2, 2], blocked=channels)
        yield case("max_pool2d", (1, 1, 5, 5), kernel=[3, 3], stride=[2, 2], padding=[1, 1], blocked=channels)
        yield case("avg_pool2d", (1, 1, 5, 5), kernel=[3, 3], stride=[2, 2], padding=[1, 1],
                   exclude_padding=True, blocked=channels)


    yield case("adaptive_avg_pool2d", (2, 3, 7, 5), height=1, width=1)
    yield case("adaptive_avg_pool2d", (2, 3, 7, 5), height=3, width=2)
    yield case("adaptive_avg_pool2d", (1, 2, 6, 8), height=3, width=2)
    yield case("adaptive_avg_pool2d", (1, 2, 3, 4), height=5, width=7)
    yield case("adaptive_avg_pool2d", (1, 1, 5, 5), height=1, width=1, blocked=16)
    yield case("adaptive_avg_pool2d", (1, 1, 5, 4), height=2, width=3, blocked=17)


def constant(x):
    return dict(spec(x), grad=False)


def normalisations():
    for training in (True, False):
        for shape in ((5, 3), (64, 17), (4, 5, 6), (2, 3, 4, 5), (3, 17, 2, 2), (1, 4, 3, 3)):
            c = shape[1]
            yield case("batch_norm", shape, (c,), (c,), constant((c,)), constant(between(0.5, 2, c)),
                       training=training, eps=1e-5)
        # For two values per channel the gradient is 0 except for the effect of eps.
        yield case("batch_norm", (2, 1), (1,), (1,), constant((1,)), constant(between(0.5, 2, 1)),
                   training=training, eps=0.5)
        yield case("batch_norm", between(9, 11, 8, 3, 4, 4), (3,), (3,), constant((3,)),
                   constant(between(0.5, 2, 3)), training=training, eps=0.1, note="off-centre")
        for c in (16, 17):
            yield case("batch_norm", (2, 2, 4, 3), (c,), (c,), constant((c,)), constant(between(0.5, 2, c)),
                       training=training, eps=1e-3, blocked=c)
    for shape in ((15, 3), (6, 17), (9, 2, 4), (6, 3, 4, 5), (3, 5, 2, 2)):
        yield case("batch_norm_running", constant(shape), constant((shape[1],)),
                   constant(between(0.5, 2, shape[1])), momentum=0.1)
    yield case("batch_norm_running", constant((6, 3, 2, 2)), constant((3,)), constant(between(0.5, 2, 3)),
               momentum=1.0)


def distances():
    for rows, columns, width in ((1, 1, 1), (5, 3, 2), (7, 9, 33), (2, 1, 530)):
        for op in ("pairwise_squared_distance", "pairwise_distance"):
            yield case(op, (rows, width), (columns, width))
            yield case(op + "_own", (rows + 1, width))
    for op in ("pairwise_squared_distance", "pairwise_distance"):
        yield case(op, between(99, 101, 6, 20), between(99, 101, 4, 20), note="off-centre")
        yield case(op + "_own", exactly([1, 2, 1, 2, 4, 6, 0, 0], 4, 2), note="equal rows")
    for shape, axes in (((5,), [0]), ((3, 7), [-1]), ((4, 33), [0]), ((2, 3, 4, 5), [1]),
                        ((2, 3, 4, 5), [1, 2, 3]), ((2, 3), "all")):
        yield case("normalize", shape, axes=axes, eps=1e-12)
        yield case("normalize", shape, axes=axes, eps=10.0)
        yield case("norm", shape, axes=axes, keep=len(shape) % 2 == 0)
    for channels in (16, 17):
        yield case("normalize", (2, 1, 4, 4), axes=[1], eps=1e-8, blocked=channels)
        yield case("normalize", (2, 1, 4, 4), axes=[1, 2, 3], eps=1e-8, blocked=channels)
    yield case("norm", exactly([0, 0, 3, 4, 1e-12, 0], 3, 2), axes=[1], keep=False, note="a row of zeros")
    yield case("normalize", between(1e-9, 2e-9, 3, 4), axes=[1], eps=1e-12, note="small")
    for shape, axis in (((5, 3), 1), ((4, 33), 0), ((2, 3, 4, 5), 1), ((3, 1), -1)):
        yield case("logsumexp", between(-8, 8, *shape), axis=axis)
    yield case("logsumexp", exactly([1000, 999, -1000, 88, 89, 90], 2, 3), axis=1, note="large")
    for shape in ((33,), (3, 7), (2, 3, 4, 5)):
        yield case("huber", between(-3, 3, *shape), delta=1.0)
        yield case("huber", between(-3, 3, *shape), delta=0.25)
        yield case("reverse_gradient", shape, factor=0.75)
    yield case("huber", (1, 1, 4, 4), delta=0.5, blocked=17)
    yield case("reverse_gradient", (1, 1, 4, 4), factor=2.0, blocked=17)


def losses():
    sizes = [(5, 3), (17, 7), (2, 2), (12, 10)]
    for n, k in sizes:
        yield case("cross_entropy", between(-3, 3, n, k), of_labels(n, k))
        for temperature in (1.0, 4.0, 20.0, 0.5):
            yield case("kl_divergence", between(-3, 3, n, k), between(-3, 3, n, k), temperature=temperature)
        yield case("mse", (n, k), (n, k))
        yield case("smooth_l1", between(-2, 2, n, k), (n, k))
        yield case("cosine_distance", (n, k), (n, k))
    yield case("kl_divergence", between(-60, 60, 6, 5), between(-60, 60, 6, 5), temperature=1.0, note="sure")
    for op in ("mse", "smooth_l1", "cosine_distance"):
        yield case(op, (2, 3, 4, 5), (2, 3, 4, 5))
        yield case(op, (2, 1, 4, 4), (2, 17, 4, 4), blocked=17)
    for n, m, d in ((2, 2, 1), (5, 9, 3), (9, 7, 20)):
        x, y = between(-1, 1, n, d), between(-0.5, 1.5, m, d)
        yield case("coral", x, between(-2, 2, m, d))
        yield case("coral", between(9, 11, n, d), between(5, 9, m, d), note="off-centre")
        for estimator in ("linear", "biased", "unbiased"):
            yield case("mmd", x, y, estimator=estimator)
            yield case("mmd", x, y, estimator=estimator, heuristic="mean", kernels=5, step=2.0)
            yield case("mmd", x, y, estimator=estimator, bandwidth=1.5, kernels=1)


def cases():
    seen = set()
    for group in (element_by_element, over_axes_cases, shapes, products, convolutions, pools,
                  normalisations, distances, losses):
        for made in group():
            seen.add(made["op"])
            yield made
    assert seen == set(OPS), f"no case of {set(OPS) - seen}"


if __name__ == "__main__":
    vectors.write("ops", list(cases()))
