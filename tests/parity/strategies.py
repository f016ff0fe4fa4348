"""What the scripts that make vectors of strategies share: networks with named modules, and cases.

A case is one batch's loss as the strategy's formula gives it, what it logs, and the gradients of the target's
parameters and of the strategy's own models. tests/parity/strategies.c runs the same through the plugin.
"""

from collections import OrderedDict

import torch
import torch.nn.functional as F
from torch import nn

import vectors

# Streams: parameters count from these, in the model's order.
TARGET, SOURCE, OWN = 0, 200, 400  # own model k from OWN + 50 k
INPUTS, LABELS = 1000, 1001
SOURCE_INPUTS, SOURCE_LABELS = 1010, 1011
UNLABELLED = 1020
VALUES = 1100  # values of the strategy's own, block k


def mlp(shape, hidden, outputs):
    """The model plugin `mlp`, and how a file asks for it."""
    width = 1
    for side in shape:
        width *= side
    layers = [("flatten", nn.Flatten())]
    for i, units in enumerate(hidden):
        layers += [(f"fc{i + 1}", nn.Linear(width, units)), (f"relu{i + 1}", nn.ReLU())]
        width = units
    layers.append((f"fc{len(hidden) + 1}", nn.Linear(width, outputs)))
    net = nn.Sequential(OrderedDict(layers)).double()
    net.use, net.shape, net.outputs = f"{{use: mlp, hidden: {hidden}}}", list(shape), outputs
    net.head = f"fc{len(hidden) + 1}"
    return net


def lenet5(shape, outputs):
    """The model plugin `lenet5`."""
    sides = [side if side >= 32 else side + 4 for side in shape[1:]]
    features = 16
    for side in sides:
        features *= ((side - 4) // 2 - 4) // 2
    padding = tuple(2 if side < 32 else 0 for side in shape[1:])
    net = nn.Sequential(OrderedDict([
        ("conv1", nn.Conv2d(shape[0], 6, 5, padding=padding)), ("relu1", nn.ReLU()), ("pool1", nn.MaxPool2d(2)),
        ("conv2", nn.Conv2d(6, 16, 5)), ("relu2", nn.ReLU()), ("pool2", nn.MaxPool2d(2)),
        ("flatten", nn.Flatten()), ("fc1", nn.Linear(features, 120)), ("relu3", nn.ReLU()),
        ("fc2", nn.Linear(120, 84)), ("relu4", nn.ReLU()), ("fc3", nn.Linear(84, outputs))])).double()
    net.use, net.shape, net.outputs, net.head = "{use: lenet5}", list(shape), outputs, "fc3"
    return net


def run(net, x):
    """Returns the outputs, and the output of each module by path; "head input" is the input of the head."""
    made, hooks = {}, []
    for path, module in net.named_modules():
        hooks.append(module.register_forward_hook(lambda m, i, o, path=path: made.__setitem__(path, o)))
        if path == net.head:
            hooks.append(module.register_forward_hook(
                lambda m, i, o: made.__setitem__("head input", i[0])))
    outputs = net(x)
    for hook in hooks:
        hook.remove()
    return outputs, made


def bound_of(shape):
    """About 1 / sqrt(fan_in), a power of two: exact in float32."""
    fan_in = 1
    for side in shape[1:]:
        fan_in *= side
    bound = 1.0
    while bound * bound * fan_in > 1 and bound > 1 / 64:
        bound /= 2
    return bound


def draw(seed, stream, net):
    """Gives a module's parameters their values; returns their description for the case. A `gain` of the net, a
    power of two, makes the outputs of deep layers differ more between examples."""
    described = []
    for i, (name, parameter) in enumerate(net.named_parameters()):
        bound = bound_of(parameter.shape) * getattr(net, "gain", 1)
        parameter.data = vectors.uniform(seed, stream + i, list(parameter.shape), -bound, bound)
        described.append({"name": name, "shape": list(parameter.shape), "bound": bound})
    return described


class Trial:
    """The networks, with their values, and the batches. `own` maps names to modules whose named_parameters()
    are the own model's, in its order; `values` maps names to counts, drawn from [0, 1)."""

    def __init__(self, name, strategy, target, source=None, batch=6, source_batch=0, unlabelled=0, own=None,
                 values=None, stage=None, progress=0.0, epoch=0, task="{use: cross-entropy}"):
        self.seed = seed = vectors.seed_of(name)
        self.target, self.source, self.own = target, source, own or {}
        self.x = vectors.uniform(seed, INPUTS, [batch, *target.shape])
        self.y = vectors.labels(seed, LABELS, batch, target.outputs)
        self.case = {"name": name, "strategy": strategy, "task": task, "seed": seed, "batch": batch,
                     "relative": 1e-5, "floor": 1}
        self.case["target"] = self.model(target, TARGET)
        if source is not None:
            self.case["source"] = self.model(source, SOURCE)
            for parameter in source.parameters():
                parameter.requires_grad_(False)
        if source_batch:
            self.case["source_batch"] = source_batch
            self.source_x = vectors.uniform(seed, SOURCE_INPUTS, [source_batch, *source.shape])
            self.source_y = vectors.labels(seed, SOURCE_LABELS, source_batch, source.outputs)
        if unlabelled:
            self.case["unlabelled"] = unlabelled
            self.unlabelled_x = vectors.uniform(seed, UNLABELLED, [unlabelled, *target.shape])
        self.case["own"] = [{"name": key, "parameters": draw(seed, OWN + 50 * k, module)}
                            for k, (key, module) in enumerate(self.own.items())]
        self.values = {}
        for k, (key, count) in enumerate((values or {}).items()):
            self.values[key] = vectors.uniform(seed, VALUES + k, [count], 0, 1)
        self.case["values"] = [{"name": key, "count": len(v)} for key, v in self.values.items()]
        if stage is not None:
            self.case["stage"] = stage
        if progress:
            self.case["progress"] = progress
        if epoch:
            self.case["epoch"] = epoch

    def model(self, net, stream):
        return {"config": net.use, "shape": net.shape, "outputs": net.outputs,
                "parameters": draw(self.seed, stream, net)}

    def task_loss(self, logits, labels=None):
        return F.cross_entropy(logits, self.y if labels is None else labels)

    def finish(self, loss, **scalars):
        """Returns the case: the loss, the logged scalars, and the gradients of all tensors that have one."""
        loss.backward()
        self.case["loss"] = vectors.number(loss.item())
        self.case["scalars"] = {key: vectors.number(float(value)) for key, value in scalars.items()}
        self.case["gradients"] = self.gradients(self.target)
        for described, module in zip(self.case["own"], self.own.values()):
            described["gradients"] = self.gradients(module)
        return self.case

    @staticmethod
    def gradients(net):
        return [None if p.grad is None else vectors.sample(p.grad) for p in net.parameters()]
