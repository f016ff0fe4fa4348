#!/usr/bin/python3
"""Vectors of the strategies of feature transfer, from the papers' formulas.

Both domains' examples go through the target as one batch, the source's first, then the unlabelled ones, then the
target's labelled ones when these count: with batch normalisation the result differs from that of separate batches.
"""

from collections import OrderedDict

import torch
import torch.nn.functional as F
from torch import nn

import formulas
import vectors
from nets import ResNet
from strategies import Trial, lenet5, mlp, run


def resnet(shape, outputs):
    """The model plugin `resnet`: depth 8, four channels at first."""
    net = ResNet(outputs, tuple(shape), 4, [1, 1, 1]).double()
    net.use, net.shape, net.outputs = "{use: resnet, depth: 8, width: 4}", list(shape), outputs
    return net


class Domains(Trial):
    """A trial whose step has batches of both domains."""

    def __init__(self, name, strategy, nets, sizes, supervised=0, **more):
        target, source = nets
        batch, self.n, self.m = sizes
        self.supervised = supervised
        super().__init__(name, strategy, target, source, batch, source_batch=self.n, unlabelled=self.m, **more)
        parts = [self.source_x, self.unlabelled_x] + ([self.x] if supervised else [])
        self.logits, self.made = run(target, torch.cat(parts))
        self.made[""] = self.logits

    def features(self, path):
        """Returns the features of the source's examples and of the target's unlabelled ones, [N, D] each."""
        made = self.made[path].flatten(1)
        return made[:self.n], made[self.n:self.n + self.m]

    def task(self):
        loss = self.task_loss(self.logits[:self.n], self.source_y)
        if self.supervised:
            loss = loss + self.supervised * self.task_loss(self.logits[self.n + self.m:])
        return loss


def given(**parameters):
    """Returns the parameters of a strategy without its name."""
    words = {True: "true", False: "false"}
    return "".join(f", {key}: {words.get(value, value) if isinstance(value, bool) else value}"
                   for key, value in parameters.items())


def quoted(layers):
    return "[" + ", ".join(f'"{layer}"' for layer in layers) + "]"


def deep_coral(name, nets, sizes, layers, weight, supervised=0):
    """Sun, Saenko: the task's loss + weight * sum of the layers' CORAL losses."""
    trial = Domains(f"deep-coral, {name}",
                    "{use: deep-coral" + given(layers=quoted(layers), weight=weight, supervised=supervised) + "}",
                    nets, sizes, supervised)
    coral = sum(formulas.coral(*trial.features(path)) for path in layers)
    return trial.finish(trial.task() + weight * coral, coral=coral)


def dan(name, nets, sizes, layers, weight, supervised=0, **kernel):
    """Long, Cao, Wang, Jordan: the task's loss + weight * sum of the layers' MMD^2."""
    trial = Domains(f"dan, {name}", "{use: dan" + given(layers=quoted(layers), weight=weight,
                                                        supervised=supervised, **kernel) + "}",
                    nets, sizes, supervised)
    mmd = sum(formulas.mmd(*trial.features(path), **kernel) for path in layers)
    return trial.finish(trial.task() + weight * mmd, mmd=mmd)


def dann(name, nets, sizes, width, hidden, layer=None, weight=1, gamma=10, progress=0.0, supervised=0):
    """Ganin et al.: the task's loss + the domain classifier's; the gradient of the features is reversed, and multiplied
    by weight (2 / (1 + exp(-gamma p)) - 1)."""
    layers, before = [], width
    for i, units in enumerate(hidden):
        layers += [(f"fc{i + 1}", nn.Linear(before, units)), (f"relu{i + 1}", nn.ReLU())]
        before = units
    classifier = nn.Sequential(OrderedDict(layers + [(f"fc{len(hidden) + 1}", nn.Linear(before, 1))])).double()
    chosen = {} if layer is None else {"layer": f'"{layer}"'}
    trial = Domains(f"dann, {name}", "{use: dann" + given(hidden=hidden, weight=weight, gamma=gamma,
                                                          supervised=supervised, **chosen) + "}",
                    nets, sizes, supervised, own={"domain": classifier}, progress=progress)
    ramp = 2 / (1 + torch.tensor(-gamma * progress, dtype=torch.float64).exp()) - 1 if gamma else 1
    x = torch.cat(trial.features("head input" if layer is None else layer))
    factor = weight * ramp
    x = (1 + factor) * x.detach() - factor * x  # x, with the reversed gradient
    is_source = (torch.arange(trial.n + trial.m) < trial.n).double()
    domain = F.binary_cross_entropy_with_logits(classifier(x)[:, 0], is_source)
    return trial.finish(trial.task() + domain, domain=domain)


def feature_map(name, make, batch, features, width, **more):
    """A new head on a linear map of frozen features."""
    source, target = make(), make()
    for parameter in target.parameters():
        parameter.requires_grad_(False)
    head = nn.Sequential(OrderedDict(map=nn.Linear(width, features or width),
                                     head=nn.Linear(features or width, target.outputs))).double()
    setattr(target, target.head, head)
    trial = Trial(f"feature-map, {name}", "{use: feature-map" + given(features=features) + "}", target, source,
                  batch, **more)
    return trial.finish(trial.task_loss(run(target, trial.x)[0]))


def cases():
    def twice(make, *arguments):
        return make(*arguments), make(*arguments)

    small, deep = ([7], [5], 3), ([3, 4], [6, 5], 4)
    images = ([1, 12, 12], 3)
    yield deep_coral("logits", twice(mlp, *small), (6, 6, 6), [""], 1)
    yield deep_coral("two layers, unlike batches", twice(mlp, *deep), (3, 8, 5), ["fc1", "relu2"], 2.5)
    yield deep_coral("images, labels of both", twice(lenet5, *images), (4, 5, 6), ["flatten", ""], 0.5, 0.75)
    yield deep_coral("batch normalisation", twice(resnet, [1, 8, 8], 3), (2, 4, 6), [""], 1)
    yield dan("the paper's estimator", twice(mlp, *small), (6, 8, 8), [""], 1, estimator="linear",
              heuristic="median", kernels=33, step=1.4142135)
    yield dan("two layers, unlike batches", twice(mlp, *deep), (3, 8, 5), ["fc1", "fc2"], 0.5, estimator="unbiased",
              heuristic="mean", kernels=5, step=2)
    nets = twice(lenet5, *images)
    for net in nets:
        net.gain = 4
    yield dan("images, labels of both", nets, (4, 5, 6), ["relu3", "fc2", ""], 0.5, 0.75,
              estimator="biased", heuristic="mean", kernels=3, step=4)
    yield dan("batch normalisation", twice(resnet, [1, 8, 8], 3), (2, 8, 6), ["layer1"], 0.25, estimator="biased",
              heuristic="mean", kernels=5, step=2)
    yield dann("the head's features", twice(mlp, *small), (6, 6, 6), 5, [4], progress=0.3)
    yield dann("no hidden layer, unlike batches", twice(mlp, *deep), (3, 8, 5), 6, [], layer="relu1", weight=0.5,
               gamma=0)
    yield dann("images, labels of both", twice(lenet5, *images), (4, 5, 6), 84, [7, 3], gamma=4, progress=0.125,
               supervised=0.75)
    yield dann("batch normalisation", twice(resnet, [1, 8, 8], 3), (2, 4, 6), 3, [4], layer="", progress=0.5)
    yield feature_map("as wide", lambda: mlp([7], [5], 3), 6, 0, 5)
    yield feature_map("narrower", lambda: mlp([3, 4], [6, 5], 2), 1, 3, 5)
    yield feature_map("wider, images", lambda: lenet5([1, 12, 12], 4), 5, 100, 84)


if __name__ == "__main__":
    vectors.write("strategies-feature", list(cases()))
