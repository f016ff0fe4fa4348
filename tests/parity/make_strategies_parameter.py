#!/usr/bin/python3
"""Vectors of the strategies of parameter transfer, from the papers' formulas."""

from collections import OrderedDict

import torch
from torch import nn
from torch.nn.utils.stateless import functional_call

import vectors
from strategies import Trial, lenet5, mlp, run


def l2_sp(name, source, target, batch, alpha, beta):
    """Li, Grandvalet, Davoine: alpha/2 |w_S - w_S^0|^2 + beta/2 |w_new|^2; w_new is the head."""
    trial = Trial(f"l2-sp, {name}", f"{{use: l2-sp, alpha: {alpha}, beta: {beta}}}", target, source, batch)
    start = dict(source.named_parameters())
    penalty = 0
    for key, w in target.named_parameters():
        if key.startswith(target.head + "."):
            penalty = penalty + beta / 2 * (w**2).sum()
        else:
            penalty = penalty + alpha / 2 * ((w - start[key])**2).sum()
    return trial.finish(trial.task_loss(run(target, trial.x)[0]) + penalty, l2_sp=penalty)


def delta(name, source, target, batch, layers, alpha, beta):
    """Li et al.: the sum over channels of w_j |FM_j - FM_j^0|^2, mean over examples; the weights are given."""
    parameters = dict(target.named_parameters())
    channels = {f"weight{i}": parameters[path + ".weight"].shape[0] for i, path in enumerate(layers)}
    trial = Trial(f"delta, {name}",
                  f"{{use: delta, alpha: {alpha}, beta: {beta}, layers: [{', '.join(layers)}]}}", target, source,
                  batch, values=channels)
    logits, made = run(target, trial.x)
    known = run(source, trial.x)[1]
    away = 0
    for i, path in enumerate(layers):
        each = (made[path] - known[path]).reshape(batch, channels[f"weight{i}"], -1)**2
        away = away + (each.sum(2).mean(0) * trial.values[f"weight{i}"]).sum()
    decay = sum((w**2).sum() for key, w in parameters.items() if key.startswith(target.head + "."))
    return trial.finish(trial.task_loss(logits) + alpha * away + beta * decay, delta=away)


class Factors(nn.Module):
    """The two factors of one tensor's map."""

    def __init__(self, to, of):
        super().__init__()
        self.left = nn.Parameter(torch.zeros(to[0], of[0], dtype=torch.float64))
        if len(to) > 1:
            self.right = nn.Parameter(torch.zeros(to[1], of[1], dtype=torch.float64))

    def forward(self, w):
        if w.dim() == 1:
            return self.left @ w
        return torch.einsum("ao,bi,oi...->ab...", self.left, self.right, w)


def linear_map(name, source, target, batch, head=False):
    """W_t = L W_s R^T, at each place of a kernel; the first stage trains only the factors and the head."""
    mapped = [key for key, _ in target.named_parameters() if head or not key.startswith(target.head + ".")]
    start = {key: w for key, w in source.named_parameters()}
    own = OrderedDict((f"map{i + 1}", Factors(dict(target.named_parameters())[key].shape, start[key].shape))
                      for i, key in enumerate(mapped))
    trial = Trial(f"linear-map, {name}", f"{{use: linear-map, head: {'keep' if head else 'new'}}}", target, source,
                  batch, own=own, stage=0)
    made = {key: own[f"map{i + 1}"](start[key]) for i, key in enumerate(mapped)}
    return trial.finish(trial.task_loss(functional_call(target, made, trial.x)))


def cases():
    yield l2_sp("other classes", mlp([7], [5], 3), mlp([7], [5], 4), 6, 0.1, 0.01)
    yield l2_sp("two layers", mlp([3, 4], [6, 5], 2), mlp([3, 4], [6, 5], 2), 1, 2, 0.5)
    yield l2_sp("images", lenet5([1, 12, 12], 3), lenet5([1, 12, 12], 5), 4, 0.01, 1)
    yield delta("hidden units", mlp([7], [5], 3), mlp([7], [5], 4), 6, ["fc1"], 0.5, 0.01)
    yield delta("two layers", mlp([3, 4], [6, 5], 2), mlp([3, 4], [6, 5], 2), 1, ["fc1", "fc2"], 2, 0.5)
    yield delta("images", lenet5([1, 12, 12], 3), lenet5([1, 12, 12], 5), 4, ["conv1", "conv2"], 0.01, 1)
    yield linear_map("equal shapes", mlp([7], [5], 3), mlp([7], [5], 4), 6)
    yield linear_map("wider, the head too", mlp([7], [5, 4], 3), mlp([7], [8, 9], 3), 5, head=True)
    yield linear_map("narrower images", lenet5([3, 12, 12], 3), lenet5([1, 12, 12], 5), 4)


if __name__ == "__main__":
    vectors.write("strategies-parameter", list(cases()))
