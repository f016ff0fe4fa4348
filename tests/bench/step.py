#!/usr/bin/python3
"""Compares the training step with PyTorch's, on one thread: step.py [BUILD_DIR] [--rounds N] [--csv FILE].

For each network both sides train on random data with the same batch, loss (cross-entropy) and optimizer (SGD
with momentum 0.9), taking turns; a figure is the median over the rounds, in milliseconds a step. PyTorch takes
its batches from one tensor in shuffled order, with no DataLoader around it, and looks at the loss and the
accuracy each step, as a run here does. "channels_last" is blank where there is no convolution. A ratio is
PyTorch's time by ours: 2 means twice as many steps a second.

PyTorch multiplies matrices by the BLAS that libblas.so.3 stands for; the table says which. Debian's reference
BLAS makes it many times slower: install libopenblas0, or put another's folder into LD_LIBRARY_PATH.

Needs Debian's python3-torch. The program that times our side is built first: ninja -C BUILD_DIR
tests/bench/step. Nothing else should run on the machine.
"""
import argparse
import csv
import os
import re
import statistics
import subprocess
import sys
import time

os.environ["OMP_NUM_THREADS"] = os.environ["OPENBLAS_NUM_THREADS"] = "1"  # before the library reads them
import torch
from torch import nn

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
STEPS = {"lenet5": 60, "mlp-128": 300, "mlp-512-512": 100}  # in a round, on either side


def lenet5():
    return nn.Sequential(
        nn.Conv2d(1, 6, 5, padding=2), nn.ReLU(), nn.MaxPool2d(2),
        nn.Conv2d(6, 16, 5), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(),
        nn.Linear(400, 120), nn.ReLU(), nn.Linear(120, 84), nn.ReLU(), nn.Linear(84, 10))


def mlp(*width):
    layers = [nn.Flatten()]
    for i in range(1, len(width)):
        layers += [nn.Linear(width[i - 1], width[i]), nn.ReLU()]
    return nn.Sequential(*layers[:-1])


NETWORKS = [
    ("lenet5", lenet5, 64, True),
    ("mlp-128", lambda: mlp(784, 128, 10), 64, False),
    ("mlp-512-512", lambda: mlp(784, 512, 512, 10), 128, False),
]


class Torch:
    """A training in PyTorch, from which rounds of steps are taken."""

    def __init__(self, make, batch, layout):
        torch.manual_seed(1)
        self.layout, self.batch = layout, batch
        self.model = make().to(memory_format=layout)
        self.x = torch.randn(batch * 32, 1, 28, 28)
        self.y = torch.randint(0, 10, (batch * 32,))
        self.optimizer = torch.optim.SGD(self.model.parameters(), lr=0.01, momentum=0.9)
        self.order, self.correct, self.sum = [], 0, 0.0
        self.round(50)  # as long as our side warms up

    def step(self):
        if not self.order:
            self.order = list(torch.randperm(len(self.x)).split(self.batch))
        index = self.order.pop()
        x, y = self.x[index].contiguous(memory_format=self.layout), self.y[index]
        self.optimizer.zero_grad(set_to_none=True)
        outputs = self.model(x)
        loss = nn.functional.cross_entropy(outputs, y)
        self.sum += loss.item()
        self.correct += int((outputs.argmax(1) == y).sum())
        loss.backward()
        self.optimizer.step()

    def round(self, steps):
        start = time.perf_counter()
        for _ in range(steps):
            self.step()
        return (time.perf_counter() - start) * 1e3 / steps


def ours(build, name, steps):
    program = os.path.join(build, "tests", "bench", "step")
    environment = dict(os.environ, OMP_NUM_THREADS="1", SCION_PLUGIN_PATH=os.path.join(build, "plugins"))
    done = subprocess.run([program, name, "1", str(steps)], env=environment, check=True,
                          stdout=subprocess.PIPE, text=True)
    return float(done.stdout)


def compare(build, rounds, network):
    name, make, batch, convolves = network
    steps = STEPS[name]
    sides = {"scion": lambda: ours(build, name, steps)}
    plain = Torch(make, batch, torch.contiguous_format)
    sides["pytorch"] = lambda: plain.round(steps)
    if convolves:
        last = Torch(make, batch, torch.channels_last)
        sides["channels_last"] = lambda: last.round(steps)
    took = {side: [] for side in sides}
    for _ in range(rounds):
        for side, run in sides.items():
            took[side].append(run())
    row = {"network": name, "batch": batch}
    for side in ("scion", "pytorch", "channels_last"):
        row[side + "_ms"] = "%.4f" % statistics.median(took[side]) if side in took else ""
    for side in ("pytorch", "channels_last"):
        row["ratio_" + side] = ("%.2f" % (statistics.median(took[side]) / statistics.median(took["scion"]))
                                if side in took else "")
    return row


def blas():
    """The file that libblas.so.3 is."""
    with open("/proc/self/maps") as maps:
        files = {line.split()[-1] for line in maps if re.search(r"/lib(blas|openblas|mkl_rt|blis)[^/]*$", line)}
    return " ".join(sorted(os.path.realpath(file) for file in files)) or "its own"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("build", nargs="?", default=os.path.join(ROOT, "build"), metavar="BUILD_DIR")
    parser.add_argument("--rounds", type=int, default=7, help="at least 5 (default 7)")
    parser.add_argument("--csv", default="step.csv", metavar="FILE", help="default step.csv")
    arguments = parser.parse_args()
    if arguments.rounds < 5:
        parser.error("a median wants at least 5 rounds")
    if not os.access(os.path.join(arguments.build, "tests", "bench", "step"), os.X_OK):
        sys.exit("step.py: build it first: ninja -C %s tests/bench/step" % arguments.build)
    torch.set_num_threads(1)
    print("PyTorch %s, BLAS: %s" % (torch.__version__, blas()))
    if "/blas/" in blas():
        print("step.py: this is the reference BLAS; the ratios are not PyTorch's best", file=sys.stderr)
    rows = [compare(arguments.build, arguments.rounds, network) for network in NETWORKS]
    with open(arguments.csv, "w", newline="") as file:
        writer = csv.DictWriter(file, fieldnames=list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    for row in [dict(zip(rows[0], rows[0]))] + rows:
        print("  ".join("%-20s" % value for value in row.values()).rstrip())


if __name__ == "__main__":
    main()
