#!/usr/bin/python3
"""Vectors of the models: outputs, the gradients of a cross-entropy, ten steps of training, and the outputs
for the first examples in evaluation after them."""

import math

import torch
import torch.nn.functional as F
from torch import nn

import vectors
from nets import LeNet5, MLP, ResNet, VGG

EXAMPLES = 48
BATCH = 16
STEPS = 10
PROBE = 7  # examples of the first forward and backward pass
# Bounds of the weights' uniform distribution: powers of two, exact in float32, about twice 1 / sqrt(fan_in),
# so that ten steps change the outputs.
BOUNDS = {"conv1": 0.5, "conv2": 0.25, "fc1": 0.125, "fc2": 0.25, "fc3": 0.25}
INPUTS, LABELS = 1000, 1001  # streams; a parameter's is its position


def drawn_from(key, parameter):
    """Returns the centre of a parameter's values, and a bound of their distance from it. All are exact in float32."""
    layer, kind = key.rsplit(".", 1)
    if layer in BOUNDS:
        return 0, BOUNDS[layer]
    if parameter.dim() == 1:
        return (1, 0.5) if kind == "weight" else (0, 0.25)
    fan_in = parameter[0].numel()
    return 0, 2.0 ** round(math.log2(2 / fan_in**0.5))


def gradient(parameter):
    """Some gradients are exactly 0, such as that of a bias before a normalisation."""
    norm = parameter.grad.norm().item()
    return {"nought": True} if norm < 1e-12 else vectors.sample(parameter.grad)


def described(key, parameter):
    centre, bound = drawn_from(key, parameter)
    made = {"name": key, "shape": list(parameter.shape), "bound": bound}
    return dict(made, centre=centre) if centre else made


def case(use, net, optimizer, config, note="", relative=1e-5):
    name = use + note
    seed = vectors.seed_of(name)
    parameters = dict(net.named_parameters())
    for i, (key, parameter) in enumerate(parameters.items()):
        centre, bound = drawn_from(key, parameter)
        parameter.data = vectors.uniform(seed, i, list(parameter.shape), centre - bound, centre + bound)
    outputs = list(parameters.values())[-1].numel()
    x = vectors.uniform(seed, INPUTS, [EXAMPLES, *net.shape])
    y = vectors.labels(seed, LABELS, EXAMPLES, outputs)
    made = {"name": name, "config": f"{{use: {use}}}", "seed": seed, "shape": list(net.shape),
            "outputs": outputs, "examples": EXAMPLES, "batch": BATCH, "probe": PROBE,
            "relative": relative, "floor": 1,
            "parameters": [described(key, p) for key, p in parameters.items()]}

    probe = x[:PROBE].clone().requires_grad_()
    logits = net(probe)
    loss = F.cross_entropy(logits, y[:PROBE])
    loss.backward()
    made["logits"] = vectors.values(logits)
    made["loss"] = vectors.number(loss.item())
    made["input_gradient"] = vectors.sample(probe.grad)
    made["gradients"] = [gradient(p) for p in parameters.values()]

    for module in net.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.reset_running_stats()
    steps = optimizer(net.parameters())
    losses = []
    for step in range(STEPS):
        first = step * BATCH % EXAMPLES
        steps.zero_grad()
        loss = F.cross_entropy(net(x[first:first + BATCH]), y[first:first + BATCH])
        loss.backward()
        steps.step()
        losses.append(vectors.number(loss.item()))
    made["optimizer"] = config
    made["losses"] = losses
    made["trained"] = [vectors.sample(p) for p in parameters.values()]
    buffers = {key: b for key, b in net.named_buffers() if b.is_floating_point()}
    if buffers:
        made["buffers"] = [dict(vectors.sample(b), name=key) for key, b in buffers.items()]
        made["evaluated"] = vectors.values(net.eval()(x[:PROBE]))
    return made


def cases():
    sgd = lambda parameters: torch.optim.SGD(parameters, lr=0.02, momentum=0.9)
    adamw = lambda parameters: torch.optim.AdamW(parameters, lr=0.002, eps=0.001, weight_decay=0.1)
    sgd_text = "{use: sgd, lr: 0.02, momentum: 0.9}"
    adamw_text = "{use: adamw, lr: 0.002, eps: 0.001, weight_decay: 0.1}"
    yield case("lenet5", LeNet5(10).double(), sgd, sgd_text)
    yield case("lenet5", LeNet5(5).double(), adamw, adamw_text, " of five outputs, by adamw")
    yield case("mlp", MLP(10).double(), sgd, sgd_text)
    yield case("mlp", MLP(5).double(), adamw, adamw_text, " of five outputs, by adamw")
    # Rounding errors grow with depth; after ten small steps they are still small.
    rates = lambda parameters: torch.optim.SGD(parameters, lr=0.002, momentum=0.5)
    rates_text = "{use: sgd, lr: 0.002, momentum: 0.5}"
    yield case("resnet, depth: 8, width: 4", ResNet(5, (3, 10, 9), 4, [1, 1, 1]).double(), rates, rates_text,
               relative=2e-5)
    yield case("resnet, depth: 20, width: 4, shortcut: zeros",
               ResNet(4, (1, 8, 8), 4, [3, 3, 3], zeros=True).double(), rates, rates_text, relative=2e-5)
    yield case("resnet, variant: imagenet, depth: 18, width: 4",
               ResNet(4, (3, 40, 48), 4, [2, 2, 2, 2], imagenet=True).double(), rates, rates_text,
               relative=2e-5)
    yield case("resnet, variant: imagenet, stem: 3x3, width: 4",
               ResNet(4, (3, 12, 10), 4, [2, 2, 2, 2]).double(), rates, rates_text, relative=2e-5)
    yield case("vgg, width: 2, pool: 2, hidden: [12], dropout: 0",
               VGG(4, (3, 16, 20), 2, 2, 12).double(), rates, rates_text, relative=2e-5)


if __name__ == "__main__":
    vectors.write("models", list(cases()))
