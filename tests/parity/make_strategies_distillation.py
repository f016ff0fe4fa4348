#!/usr/bin/python3
"""Vectors of the strategies of knowledge distillation, from the papers' formulas."""

import itertools

import torch
import torch.nn.functional as F
from torch import nn

import vectors
from formulas import kl_divergence
from strategies import Trial, lenet5, mlp, run


def teacher_and_student(trial):
    """Returns (outputs, outputs of each module) of teacher and student."""
    return run(trial.target, trial.x), run(trial.source, trial.x)


def kd(name, target, source, batch, temperature, alpha):
    """Hinton, Vinyals, Dean: the labels' loss plus temperature^2 times the soft targets' loss."""
    trial = Trial(f"kd, {name}", f"{{use: kd, temperature: {temperature}, alpha: {alpha}}}", target, source,
                  batch)
    (student, _), (teacher, _) = teacher_and_student(trial)
    soft = kl_divergence(student, teacher, temperature)
    return trial.finish((1 - alpha) * trial.task_loss(student) + alpha * temperature**2 * soft, kd=soft)


def kd_cases():
    yield kd("one architecture", mlp([7], [5], 3), mlp([7], [5], 3), 6, 4, 0.9)
    yield kd("another teacher", mlp([1, 12, 12], [9], 4), lenet5([1, 12, 12], 4), 5, 2, 0.5)
    yield kd("hot, one example", mlp([4], [], 10), mlp([4], [6, 5], 10), 1, 20, 1)


# --- FitNets -----------------------------------------------------------------------------------------------


def regressor(guided, hint):
    """A convolution without padding from the shape of the guided layer's maps to that of the hint's."""
    if guided.dim() == 2:
        return nn.Linear(guided.shape[1], hint.shape[1]).double()
    kernel = tuple(g - h + 1 for g, h in zip(guided.shape[2:], hint.shape[2:]))
    return nn.Conv2d(guided.shape[1], hint.shape[1], kernel).double()


def paths_of(layers):
    return f"[{', '.join(layers)}]"


def layers_text(layers, source_layers):
    """Formats layers as an experiment file has them."""
    text = f", layers: {paths_of(layers)}" if layers else ""
    return text + (f", source_layers: {paths_of(source_layers)}" if source_layers else "")


def pairs_of(layers, source_layers, made, taught):
    """Pairs of features of both models, layer by layer; without layers, the inputs of the heads."""
    layers = layers or ["head input"]
    return [(made[s], taught[t]) for s, t in zip(layers, source_layers or layers)]


def fitnet(name, target, source, batch, layers=(), source_layers=(), stage=None, progress=0.0, reduction="sum",
           weights=(4, 1), temperature=3):
    """Romero et al.: 1/2 |hint - r(guided)|^2 of each example in the first stage; in the second the labels' loss
    plus lambda times the soft targets', with lambda falling linearly."""
    probe = torch.zeros(1, *target.shape, dtype=torch.float64)
    own = {f"regressor{i + 1}": regressor(*pair)
           for i, pair in enumerate(pairs_of(layers, source_layers, run(target, probe)[1], run(source, probe)[1]))}
    trial = Trial(f"fitnet, {name}",
                  f"{{use: fitnet, reduction: {reduction}, kd: {weights[0]}, kd_end: {weights[1]}, "
                  f"temperature: {temperature}{layers_text(layers, source_layers)}}}",
                  target, source, batch, own=own, stage=stage, progress=progress)
    (student, made), (teacher, taught) = teacher_and_student(trial)
    if stage is None:
        soft = kl_divergence(student, teacher, temperature)
        weight = weights[0] + (weights[1] - weights[0]) * progress
        return trial.finish(trial.task_loss(student) + weight * soft, kd=soft)
    hint = 0
    for (guided, wanted), r in zip(pairs_of(layers, source_layers, made, taught), own.values()):
        squares = (wanted - r(guided)).pow(2).flatten(1)
        hint = hint + (squares.sum(1) if reduction == "sum" else squares.mean(1)).mean() / 2
    return trial.finish(hint, hint=hint)


def fitnet_cases():
    yield fitnet("vectors", mlp([5], [4], 3), mlp([5], [7, 6], 3), 6, stage=0)
    yield fitnet("maps of two sizes", lenet5([1, 12, 12], 3), lenet5([1, 12, 12], 4), 4, ["pool1"], ["conv2"], 0)
    yield fitnet("maps of one size, two layers, mean", lenet5([1, 14, 12], 3), lenet5([1, 14, 12], 3), 3,
                 ["relu1", "relu3"], [], 0, reduction="mean")
    yield fitnet("second stage", mlp([1, 12, 12], [9], 4), lenet5([1, 12, 12], 4), 5, ["fc1"], ["fc2"],
                 progress=0.25, weights=(6, 2), temperature=2)
    yield fitnet("second stage, from the start", mlp([5], [4], 3), mlp([5], [7], 3), 2)


# --- Attention ---------------------------------------------------------------------------------------------


def attention_map(maps, power):
    q = maps.abs().pow(power).sum(1).flatten(1)
    return q / q.norm(dim=1, keepdim=True)


def attention(name, target, source, batch, layers, source_layers=(), beta=10, power=2, distance="norm",
              pool=False, weight=0, temperature=4):
    """Zagoruyko, Komodakis, equation 2."""
    trial = Trial(f"attention, {name}",
                  f"{{use: attention, beta: {beta}, power: {power}, distance: {distance}, kd: {weight}, "
                  f"pool: {str(pool).lower()}, temperature: {temperature}{layers_text(layers, source_layers)}}}",
                  target, source, batch)
    (student, made), (teacher, taught) = teacher_and_student(trial)
    total = 0
    for s, t in pairs_of(layers, source_layers, made, taught):
        if pool:
            size = [min(sides) for sides in zip(s.shape[2:], t.shape[2:])]
            s, t = F.adaptive_avg_pool2d(s, size), F.adaptive_avg_pool2d(t, size)
        apart = attention_map(s, power) - attention_map(t, power)
        total = total + (apart.norm(dim=1) if distance == "norm" else apart.pow(2)).mean()
    loss = trial.task_loss(student) + beta / 2 * total
    if weight == 0:
        return trial.finish(loss, attention=total)
    soft = kl_divergence(student, teacher, temperature)
    return trial.finish(loss + weight * temperature**2 * soft, attention=total, kd=soft)


def attention_cases():
    yield attention("one layer", lenet5([1, 12, 12], 3), lenet5([1, 12, 12], 5), 4, ["conv1"])
    yield attention("two layers and soft targets", lenet5([1, 16, 12], 3), lenet5([1, 16, 12], 3), 3,
                    ["conv1", "relu2"], [], 3, 3, weight=0.7, temperature=2)
    yield attention("other layers, cubes, squares, pooled", lenet5([2, 14, 14], 3), lenet5([2, 14, 14], 3), 2,
                    ["conv1", "pool1"], ["pool1", "conv2"], 1000, 3, "squares", True)


# --- Relations ---------------------------------------------------------------------------------------------


def huber(x, y):
    d = (x - y).abs()
    return torch.where(d <= 1, d.pow(2) / 2, d - 0.5)


def distances(x):
    """The distances of all pairs of different examples, divided by their mean."""
    d = torch.stack([(x[i] - x[j]).norm() for i, j in itertools.permutations(range(len(x)), 2)])
    return d / d.mean()


def angles(x):
    """The cosine at j of all triples (i, j, k) of different examples."""

    def unit(v):
        return v / v.norm()

    return torch.stack([unit(x[i] - x[j]) @ unit(x[k] - x[j])
                        for i, j, k in itertools.permutations(range(len(x)), 3)])


def rkd(name, target, source, batch, layers=(), source_layers=(), distance=25, angle=50, weight=0, temperature=4,
        normalize=False):
    """Park, Kim, Lu, Cho: Huber's function of differences, the mean over tuples of different examples. Deep in
    a network drawn at random examples are near each other, and their angles take more than float32: PyTorch's are no
    better."""
    trial = Trial(f"rkd, {name}",
                  f"{{use: rkd, distance: {distance}, angle: {angle}, kd: {weight}, temperature: {temperature}, "
                  f"normalize: {str(normalize).lower()}{layers_text(layers, source_layers)}}}",
                  target, source, batch)
    (student, made), (teacher, taught) = teacher_and_student(trial)
    of_distances = of_angles = 0
    for s, t in pairs_of(layers, source_layers, made, taught):
        s, t = s.flatten(1), t.flatten(1)
        if normalize:
            s, t = s / s.norm(dim=1, keepdim=True), t / t.norm(dim=1, keepdim=True)
        of_distances = of_distances + huber(distances(s), distances(t)).mean()
        of_angles = of_angles + huber(angles(s), angles(t)).mean()
    loss = trial.task_loss(student) + distance * of_distances + angle * of_angles
    scalars = {"distance": of_distances, "angle": of_angles}
    if weight:
        scalars["kd"] = kl_divergence(student, teacher, temperature)
        loss = loss + weight * temperature**2 * scalars["kd"]
    return trial.finish(loss, **scalars)


def rkd_cases():
    yield rkd("what the heads are given", mlp([5], [8], 3), mlp([5], [7, 9], 4), 6)
    yield rkd("triples, soft targets", mlp([1, 12, 12], [9], 4), lenet5([1, 12, 12], 4), 3, ["fc1"], ["fc2"], 1, 2,
              0.5, 2)
    yield rkd("of length 1", mlp([5], [6], 3), mlp([5], [7, 9], 4), 5, normalize=True)
    yield rkd("two layers", mlp([2, 3], [8, 6], 3), mlp([2, 3], [9, 7], 3), 7, ["relu1", "relu2"])
    yield rkd("maps", lenet5([1, 12, 12], 3), lenet5([1, 12, 12], 3), 4, ["relu1"])


# --- Decoupled ---------------------------------------------------------------------------------------------


def decoupled(student, teacher, labels, temperature):
    """TCKD and NCKD, from probabilities."""
    p_s, p_t = (student / temperature).softmax(1), (teacher / temperature).softmax(1)
    is_label = F.one_hot(labels, student.shape[1]).bool()
    rest = (len(labels), student.shape[1] - 1)

    def two_way(p):
        return torch.stack([p[is_label], 1 - p[is_label]], 1)

    def others(p):
        return p[~is_label].reshape(rest) / (1 - p[is_label])[:, None]

    def kl(p, q):
        return (p * (p / q).log()).sum(1).mean()

    return kl(two_way(p_t), two_way(p_s)), kl(others(p_t), others(p_s))


def dkd(name, target, source, batch, alpha, beta, temperature, warmup=0, epoch=1):
    """Zhao, Cui, Song, Qiu, Liang, equation 7; in the authors' code the labels count fully, and the weights rise
    in the first epochs."""
    trial = Trial(f"dkd, {name}",
                  f"{{use: dkd, alpha: {alpha}, beta: {beta}, temperature: {temperature}, warmup: {warmup}}}",
                  target, source, batch, epoch=epoch)
    (student, _), (teacher, _) = teacher_and_student(trial)
    tckd, nckd = decoupled(student, teacher, trial.y, temperature)
    weight = min(epoch / warmup, 1) if warmup else 1
    return trial.finish(trial.task_loss(student) + weight * temperature**2 * (alpha * tckd + beta * nckd),
                        tckd=tckd, nckd=nckd)


def dkd_cases():
    yield dkd("one architecture", mlp([7], [5], 3), mlp([7], [5], 3), 6, 1, 8, 4)
    yield dkd("another teacher, warming up", mlp([1, 12, 12], [9], 4), lenet5([1, 12, 12], 4), 5, 0.5, 2, 2, 20, 7)
    yield dkd("ten classes, one example, warm", mlp([4], [], 10), mlp([4], [6, 5], 10), 1, 2, 0.25, 1, 3, 5)


def cases():
    for some in (kd_cases, fitnet_cases, attention_cases, rkd_cases, dkd_cases):
        yield from some()


if __name__ == "__main__":
    vectors.write("strategies-distillation", list(cases()))
