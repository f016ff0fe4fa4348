#!/usr/bin/python3
"""Vectors of the models: outputs, the gradients of a cross-entropy, and ten steps of training."""

import torch
import torch.nn.functional as F

import vectors
from nets import LeNet5, MLP

EXAMPLES = 48
BATCH = 16
STEPS = 10
PROBE = 7  # examples of the first forward and backward pass
# Bounds of the weights' uniform distribution: powers of two, exact in float32, about twice 1 / sqrt(fan_in),
# so that ten steps go somewhere.
BOUNDS = {"conv1": 0.5, "conv2": 0.25, "fc1": 0.125, "fc2": 0.25, "fc3": 0.25}
INPUTS, LABELS = 1000, 1001  # streams; a parameter's is its position


def case(use, net, optimizer, config, note=""):
    name = use + note
    seed = vectors.seed_of(name)
    parameters = dict(net.named_parameters())
    for i, (key, parameter) in enumerate(parameters.items()):
        bound = BOUNDS[key.split(".")[0]]
        parameter.data = vectors.uniform(seed, i, list(parameter.shape), -bound, bound)
    outputs = list(parameters.values())[-1].numel()
    x = vectors.uniform(seed, INPUTS, [EXAMPLES, *net.shape])
    y = vectors.labels(seed, LABELS, EXAMPLES, outputs)
    made = {"name": name, "config": f"{{use: {use}}}", "seed": seed, "shape": list(net.shape),
            "outputs": outputs, "examples": EXAMPLES, "batch": BATCH, "probe": PROBE,
            "relative": 1e-5, "floor": 1,
            "parameters": [{"name": key, "shape": list(p.shape), "bound": BOUNDS[key.split(".")[0]]}
                           for key, p in parameters.items()]}

    probe = x[:PROBE].clone().requires_grad_()
    logits = net(probe)
    loss = F.cross_entropy(logits, y[:PROBE])
    loss.backward()
    made["logits"] = vectors.values(logits)
    made["loss"] = vectors.number(loss.item())
    made["input_gradient"] = vectors.sample(probe.grad)
    made["gradients"] = [vectors.sample(p.grad) for p in parameters.values()]

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


if __name__ == "__main__":
    vectors.write("models", list(cases()))
