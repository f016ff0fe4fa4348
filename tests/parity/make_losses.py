#!/usr/bin/python3
"""Vectors of the losses: the value, and the gradient with respect to the outputs."""

import torch
import torch.nn.functional as F

import formulas
import vectors


def case(use, outputs, labels=False, note="", values=None, low=-3.0, high=3.0, **given):
    """`outputs` is [N, K]; the targets are labels below K, or values of the outputs' shape: uniform in [-1, 1),
    or, for kl-divergence, probabilities."""
    config = ", ".join([f"use: {use}"] + [f"{key}: {value}" for key, value in given.items()])
    words = [config, "x".join(map(str, outputs)), "labels" if labels else "values", note]
    name = " ".join(word for word in words if word)
    seed = vectors.seed_of(name)
    made = {"name": name, "config": "{" + config + "}", "seed": seed, "shape": outputs, "labels": labels,
            "low": low, "high": high, "relative": 2e-6, "floor": 1}
    x = vectors.uniform(seed, 0, outputs, low, high)
    if values:
        made["values"] = values
        x = torch.tensor(values, dtype=torch.float32).double().reshape(outputs)
    x.requires_grad_()
    count, classes = outputs
    y = vectors.labels(seed, 1, count, classes) if labels else vectors.uniform(seed, 1, outputs)
    rows = F.one_hot(y, classes).double() if labels else y
    if use == "kl-divergence" and not labels:
        rows = y.mul(3).softmax(1).float().double()
        made["targets"] = vectors.values(rows)
    if use == "cross-entropy":
        weights = given.get("class_weights")
        loss = F.cross_entropy(x, y, weight=torch.tensor(weights, dtype=torch.float64) if weights else None,
                               label_smoothing=given.get("label_smoothing", 0.0))
    elif use == "focal":
        logp = F.log_softmax(x, 1).gather(1, y[:, None])[:, 0]
        alpha = torch.tensor(given.get("alpha", [1.0] * classes), dtype=torch.float64)[y]
        loss = -(alpha * (-torch.expm1(logp)) ** given.get("gamma", 2.0) * logp).mean()
    elif use == "kl-divergence":
        loss = F.kl_div((x / given.get("temperature", 1)).log_softmax(1), rows, reduction="batchmean")
    elif use == "mmd":
        made["relative"] = 1e-5
        loss = formulas.mmd(x, rows, **given)
    else:
        loss = {"mse": F.mse_loss, "coral": formulas.coral, "cosine": formulas.cosine_distance}[use](x, rows)
    loss.backward()
    return {**made, "loss": vectors.number(loss.item()), "gradient": vectors.values(x.grad)}


def cases():
    shapes = [[5, 3], [1, 10], [17, 7], [33, 2]]
    for shape in shapes:
        yield case("cross-entropy", shape, labels=True)
        yield case("cross-entropy", shape, labels=True, label_smoothing=0.1)
    weights = [0.5, 2, 1, 0.25, 3, 1.5, 0.75]
    for smoothing in ({}, {"label_smoothing": 0.1}, {"label_smoothing": 0.75}):
        for shape in ([5, 3], [17, 7], [1, 2]):
            yield case("cross-entropy", shape, labels=True, class_weights=weights[:shape[1]], **smoothing)
    yield case("cross-entropy", [4, 1], labels=True)
    extremes = [1000, -1000, 0, 88, 88, -88, 1e6, 1e6, 1e6, -1e4, -1e4, -10001]
    yield case("cross-entropy", [4, 3], labels=True, values=extremes, note="extremes")
    yield case("cross-entropy", [4, 3], labels=True, values=extremes, note="extremes", label_smoothing=0.1)
    for shape in shapes:
        yield case("mse", shape)
        yield case("mse", shape, labels=True)
    yield case("mse", [6, 1])
    yield case("mse", [5, 4], low=-300.0, high=300.0, note="large")
    for shape in shapes:  # an example of docs/plugins.md
        yield case("focal", shape, labels=True)
        yield case("focal", shape, labels=True, gamma=0.5)
        yield case("focal", shape, labels=True, gamma=0)
    yield case("focal", [17, 7], labels=True, gamma=5, alpha=weights)
    yield case("focal", [5, 4], labels=True, low=-30.0, high=30.0, note="large")
    for shape in ([5, 3], [16, 7], [9, 2]):
        for labels in (False, True):
            yield case("kl-divergence", shape, labels=labels)
            yield case("kl-divergence", shape, labels=labels, temperature=4)
            yield case("cosine", shape, labels=labels)
            yield case("coral", shape, labels=labels)
            yield case("mmd", shape, labels=labels)
            yield case("mmd", shape, labels=labels, estimator="biased", heuristic="mean", kernels=5, step=2)
            yield case("mmd", shape, labels=labels, estimator="unbiased", bandwidth=2)
    yield case("kl-divergence", [6, 4], low=-30.0, high=30.0, note="large")


if __name__ == "__main__":
    vectors.write("losses", list(cases()))
