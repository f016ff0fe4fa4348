#!/usr/bin/python3
"""Vectors of the optimizers: ten steps of torch.optim with given gradients."""

import torch

import vectors

STEPS = 10
LR_SCALE = [1, 1, 0.5, 0.5, 2, 1, 0.25, 0.25, 0, 1]  # a schedule; exact in float32
# Parameters: their sizes, their own factor of the learning rate, whether decay applies, the step at which
# they first take part, and how many zeros pad them.
SPANS = [
    {"count": 19, "scale": 1.0, "decay": True, "from": 1, "padding": 13},
    {"count": 5, "scale": 1.0, "decay": False, "from": 1, "padding": 0},
    {"count": 3, "scale": 0.5, "decay": True, "from": 4, "padding": 1},
]


class Lion(torch.optim.Optimizer):
    """Algorithm 2 of arXiv:2302.06675, line by line."""

    def __init__(self, params, lr, betas=(0.9, 0.99), weight_decay=0.0):
        super().__init__(params, {"lr": lr, "betas": betas, "weight_decay": weight_decay})

    @torch.no_grad()
    def step(self):
        for group in self.param_groups:
            beta1, beta2 = group["betas"]
            for p in group["params"]:
                if p.grad is None:
                    continue
                m = self.state[p].setdefault("m", torch.zeros_like(p))
                c = beta1 * m + (1 - beta1) * p.grad
                p -= group["lr"] * (torch.sign(c) + group["weight_decay"] * p)
                m.copy_(beta2 * m + (1 - beta2) * p.grad)


TORCH = {"sgd": torch.optim.SGD, "adam": torch.optim.Adam, "adamw": torch.optim.AdamW, "lion": Lion}


def arguments(use, given):
    """Translates the names of Scion's parameters to torch's."""
    mine = dict(given)
    if "beta1" in mine or "beta2" in mine:
        mine["betas"] = (mine.pop("beta1", 0.9), mine.pop("beta2", 0.99 if use == "lion" else 0.999))
    return mine


def case(use, gradient=1.0, **given):
    config = ", ".join([f"use: {use}"] + [f"{key}: {value}".lower() for key, value in given.items()])
    name = config + (f" gradients to {gradient}" if gradient != 1 else "")
    seed = vectors.seed_of(name)
    parameters = [vectors.uniform(seed, i, [span["count"]]) for i, span in enumerate(SPANS)]
    torch_given = arguments(use, given)
    decay = torch_given.pop("weight_decay", 0.01 if use == "adamw" else 0)  # the same defaults
    optimizer = TORCH[use]([{"params": [p], "weight_decay": decay if span["decay"] else 0}
                            for p, span in zip(parameters, SPANS)], **torch_given)
    made = []
    for step in range(1, STEPS + 1):
        for i, (p, span, group) in enumerate(zip(parameters, SPANS, optimizer.param_groups)):
            group["lr"] = given["lr"] * LR_SCALE[step - 1] * span["scale"]
            p.grad = None
            if step >= span["from"]:
                p.grad = vectors.uniform(seed, 10 * step + i, [span["count"]], -gradient, gradient)
        optimizer.step()
        made.append([vectors.values(p) for p in parameters])
    return {"name": name, "config": "{" + config + "}", "seed": seed, "gradient": gradient, "relative": 1e-6,
            "floor": 0.5, "spans": SPANS, "lr_scale": LR_SCALE, "values": made}


def cases():
    yield case("sgd", lr=0.1)
    yield case("sgd", lr=0.1, momentum=0.9)
    yield case("sgd", lr=0.1, momentum=0.5, nesterov=True)
    yield case("sgd", lr=0.1, momentum=0.9, dampening=0.25, weight_decay=0.1)
    yield case("sgd", lr=0.1, weight_decay=0.1)
    yield case("sgd", lr=0.1, momentum=0.9, weight_decay=0.1)
    yield case("sgd", lr=0.05, momentum=0.9, nesterov=True, weight_decay=0.05)
    for use in ("adam", "adamw"):
        yield case(use, lr=0.05)
        yield case(use, lr=0.05, weight_decay=0.1)
        yield case(use, lr=0.05, weight_decay=0)
        yield case(use, lr=0.05, beta1=0.5, beta2=0.9)
        yield case(use, lr=0.05, beta1=0, beta2=0.99, weight_decay=0.2)
        yield case(use, lr=0.05, beta1=0.8, beta2=0.9999, eps=0.01)
        yield case(use, lr=0.05, eps=0.1, weight_decay=0.3)
        yield case(use, lr=0.05, gradient=1e-6)  # large enough to matter
        yield case(use, lr=0.05, gradient=1e4)
    yield case("lion", lr=0.05)  # an example of docs/plugins.md
    yield case("lion", lr=0.05, weight_decay=0.1)
    yield case("lion", lr=0.05, beta1=0.5, beta2=0.8, weight_decay=0.3)
    yield case("lion", lr=0.05, beta1=0, beta2=0.5)


if __name__ == "__main__":
    vectors.write("optimizers", list(cases()))
