#!/usr/bin/python3
"""Vectors of the strategies of parameter transfer, from the papers' formulas."""

import vectors
from strategies import Trial, lenet5, mlp, run


def l2_sp(name, source, target, batch, alpha, beta):
    """Li, Grandvalet, Davoine: alpha/2 |w_S - w_S^0|^2 + beta/2 |w_new|^2; what is new is the head."""
    trial = Trial(f"l2-sp, {name}", f"{{use: l2-sp, alpha: {alpha}, beta: {beta}}}", target, source, batch)
    start = dict(source.named_parameters())
    penalty = 0
    for key, w in target.named_parameters():
        if key.startswith(target.head + "."):
            penalty = penalty + beta / 2 * (w**2).sum()
        else:
            penalty = penalty + alpha / 2 * ((w - start[key])**2).sum()
    return trial.finish(trial.task_loss(run(target, trial.x)[0]) + penalty, l2_sp=penalty)


def cases():
    yield l2_sp("other classes", mlp([7], [5], 3), mlp([7], [5], 4), 6, 0.1, 0.01)
    yield l2_sp("two layers", mlp([3, 4], [6, 5], 2), mlp([3, 4], [6, 5], 2), 1, 2, 0.5)
    yield l2_sp("images", lenet5([1, 12, 12], 3), lenet5([1, 12, 12], 5), 4, 0.01, 1)


if __name__ == "__main__":
    vectors.write("strategies-parameter", list(cases()))
