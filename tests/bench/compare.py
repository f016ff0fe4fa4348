#!/usr/bin/python3
"""Compares steps with PyTorch's, on one thread: compare.py [NETWORK...] [--build DIR] [--rounds N] [--csv FILE].

For each network (networks/*.yaml) both sides train on as many random examples, with the same batch, loss
(cross-entropy) and optimizer (SGD with momentum 0.9), or evaluate, taking turns of some steps each; a figure is the
median over the rounds. PyTorch takes its batches from one tensor in shuffled order, with no DataLoader around it, and
computes the loss and the accuracy in each step, as Scion does. PyTorch is measured with its defaults, with
channels_last, with bfloat16 autocast, and with both. Scion is measured by `scion bench --turns`. A ratio is PyTorch's
time divided by Scion's: 2 means twice as many samples a second. Cells are blank where a side lacks a mode, or where the
mode makes no difference to it.

Memory is the peak resident size of a process that trains: the whole, and the difference from the size before the
network was created.

With --clock cpu, times are processor times, user and system, on both sides, for a machine on which other programs run.

PyTorch multiplies matrices with the BLAS that libblas.so.3 links to, which the first printed line names. Debian's
reference BLAS is many times slower than others: install libopenblas0, or put the folder of another into
LD_LIBRARY_PATH.
Needs Debian's python3-torch.
"""
import argparse
import csv
import json
import os
import re
import resource
import statistics
import subprocess
import sys
import time

os.environ["OMP_NUM_THREADS"] = os.environ["OPENBLAS_NUM_THREADS"] = "1"  # before the library reads them
import torch
from torch import nn

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
BATCHES = {"mlp-128": 32, "mlp-512-512": 32, "lenet5": 32, "resnet20": 8, "resnet18": 8}  # of training


def lenet5():
    return nn.Sequential(
        nn.Conv2d(1, 6, 5, padding=2), nn.ReLU(), nn.MaxPool2d(2),
        nn.Conv2d(6, 16, 5), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(),
        nn.Linear(400, 120), nn.ReLU(), nn.Linear(120, 84), nn.ReLU(), nn.Linear(84, 10))


def mlp(*width):
    layers = [nn.Flatten()]
    for i in range(1, len(width)):
        layers += [nn.Linear(width[i - 1], width[i]), nn.ReLU(inplace=True)]
    return nn.Sequential(*layers[:-1])


class Block(nn.Module):
    """torchvision's BasicBlock."""

    def __init__(self, cin, cout, stride):
        super().__init__()
        self.conv1 = nn.Conv2d(cin, cout, 3, stride, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(cout)
        self.relu = nn.ReLU(inplace=True)
        self.conv2 = nn.Conv2d(cout, cout, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(cout)
        self.downsample = None
        if stride > 1 or cin != cout:
            self.downsample = nn.Sequential(nn.Conv2d(cin, cout, 1, stride, bias=False), nn.BatchNorm2d(cout))

    def forward(self, x):
        y = self.bn2(self.conv2(self.relu(self.bn1(self.conv1(x)))))
        y += self.downsample(x) if self.downsample else x
        return self.relu(y)


def resnet(width, *blocks):
    layers = [nn.Conv2d(3, width, 3, 1, 1, bias=False), nn.BatchNorm2d(width), nn.ReLU(inplace=True)]
    cin = width
    for stage, count in enumerate(blocks):
        for i in range(count):
            layers.append(Block(cin, width << stage, 2 if stage and not i else 1))
            cin = width << stage
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(cin, 10))


MODELS = {"mlp-128": lambda: mlp(784, 128, 10), "mlp-512-512": lambda: mlp(784, 512, 512, 10), "lenet5": lenet5,
          "resnet20": lambda: resnet(16, 3, 3, 3), "resnet18": lambda: resnet(64, 2, 2, 2, 2)}
# Name, batch, steps in a turn, whether there are convolutions, whether it trains.
ROWS = [("mlp-128", 64, 400, False, True), ("mlp-512-512", 128, 60, False, True), ("lenet5", 64, 50, True, True),
        ("resnet20", 128, 1, True, True), ("resnet18", 32, 1, True, True), ("resnet18", 32, 2, True, False)]


def cpu_seconds():
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


class Torch:
    """Steps of training, or of evaluation, in PyTorch."""

    def __init__(self, name, batch, train=True, last=False, bf16=False):
        torch.manual_seed(1)
        self.layout = torch.channels_last if last else torch.contiguous_format
        self.batch, self.bf16 = batch, bf16
        self.model = MODELS[name]().to(memory_format=self.layout).train(train)
        shape = (3, 32, 32) if name.startswith("resnet") else (1, 28, 28)
        self.x = torch.randn(batch * BATCHES[name], *shape)
        self.y = torch.randint(0, 10, (len(self.x),))
        self.optimizer = torch.optim.SGD(self.model.parameters(), lr=0.01, momentum=0.9)
        self.order, self.correct, self.sum = [], 0, 0.0
        self.step = self.training_step if train else self.evaluation_step

    def next(self):
        if not self.order:
            self.order = list(torch.randperm(len(self.x)).split(self.batch))
        index = self.order.pop()
        return self.x[index].contiguous(memory_format=self.layout), self.y[index]

    def outputs(self, x, y):
        with torch.autocast("cpu", dtype=torch.bfloat16, enabled=self.bf16):
            outputs = self.model(x)
            loss = nn.functional.cross_entropy(outputs.float(), y)
        self.sum += loss.item()
        self.correct += int((outputs.argmax(1) == y).sum())
        return loss

    def training_step(self):
        x, y = self.next()
        self.optimizer.zero_grad(set_to_none=True)
        self.outputs(x, y).backward()
        self.optimizer.step()

    def evaluation_step(self):
        with torch.no_grad():
            self.outputs(*self.next())

    def turn(self, steps):
        start, cpu = time.perf_counter(), cpu_seconds()
        for _ in range(steps):
            self.step()
        return (time.perf_counter() - start) / steps, (cpu_seconds() - cpu) / steps

    def close(self):
        pass


def environment(build):
    return dict(os.environ, OMP_NUM_THREADS="1", SCION_PLUGIN_PATH=os.path.join(build, "plugins"), SCION_CACHE="")


class Scion:
    """The same by scion bench. Times are None for modes that it lacks."""

    def __init__(self, build, name, batch, steps, train=True, settings=()):
        command = [os.path.join(build, "scion"), "bench", os.path.join(HERE, "networks", name + ".yaml"), "--turns",
                   "training" if train else "evaluation", "--steps", str(steps), "--evaluation-batch", str(batch)]
        for setting in settings:
            command += ["--set", setting]
        self.process = subprocess.Popen(command, env=environment(build), stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        if not self.process.stdout.readline():
            self.process.wait()
            raise RuntimeError(self.process.stderr.read().strip())

    def turn(self, steps):
        self.process.stdin.write("\n")
        self.process.stdin.flush()
        return tuple(float(number) for number in self.process.stdout.readline().split(","))

    def close(self):
        self.process.communicate("")


def has_bf16(build):
    """Returns whether the build and the processor support `precision: bf16`."""
    done = subprocess.run([os.path.join(build, "scion"), "check", os.path.join(HERE, "networks", "resnet18.yaml"),
                           "--set", "precision=bf16"], env=environment(build), stdout=subprocess.DEVNULL,
                          stderr=subprocess.DEVNULL)
    return done.returncode == 0


def sides_of(build, row, ours_too):
    name, batch, steps, convolves, train = row
    sides = {"scion": Scion(build, name, batch, steps, train), "pytorch": Torch(name, batch, train)}
    if ours_too:
        sides["scion_bf16"] = Scion(build, name, batch, steps, train, ["precision=bf16"])
    sides["pytorch_bf16"] = Torch(name, batch, train, bf16=True)
    if convolves:
        sides["channels_last"] = Torch(name, batch, train, last=True)
        sides["channels_last_bf16"] = Torch(name, batch, train, last=True, bf16=True)
    return sides


SIDES = ["scion", "pytorch", "channels_last", "scion_bf16", "pytorch_bf16", "channels_last_bf16"]
RATIOS = {"ratio": ("pytorch", "scion"), "ratio_channels_last": ("channels_last", "scion"),
          "ratio_bf16": ("pytorch", "scion_bf16"), "ratio_bf16_autocast": ("pytorch_bf16", "scion_bf16"),
          "ratio_bf16_channels_last": ("channels_last_bf16", "scion_bf16")}


def compare(arguments, row, ours_too):
    name, batch, steps, _, train = row
    sides = sides_of(arguments.build, row, ours_too)
    took = {side: [] for side in sides}
    for side in sides.values():
        side.turn(max(2, min(steps, 50)))
    for _ in range(arguments.rounds):
        for side, run in sides.items():
            took[side].append(run.turn(steps)[arguments.clock == "cpu"])
    for side in sides.values():
        side.close()
    median = {side: statistics.median(times) * 1e3 for side, times in took.items()}
    made = {"network": name, "phase": "training" if train else "evaluation", "batch": batch}
    for side in SIDES:
        made[side + "_ms"] = "%.4g" % median[side] if side in median else ""
    for ratio, (theirs, ours) in RATIOS.items():
        made[ratio] = "%.2f" % (median[theirs] / median[ours]) if theirs in median and ours in median else ""
    return made


def resident():
    with open("/proc/self/status") as status:
        return int(re.search(r"VmHWM:\s*(\d+)", status.read()).group(1)) / 1024


def torch_memory(name, batch):
    """Returns the resident size of this process in MiB, before training and at the peak."""
    before = resident()
    Torch(name, batch).turn(4)
    print("%.1f %.1f" % (before, resident()))


def memory(arguments, name, batch):
    def scion(*more):
        command = [os.path.join(arguments.build, "scion"), "bench", os.path.join(HERE, "networks", name + ".yaml"),
                   "--steps", "4", "--format", "json", *more]
        done = subprocess.run(command, env=environment(arguments.build), check=True, stdout=subprocess.PIPE)
        return json.loads(done.stdout)["peak_mib"]

    done = subprocess.run([sys.executable, os.path.abspath(__file__), "--torch-memory", name, str(batch)], check=True,
                          stdout=subprocess.PIPE, text=True)
    before, most = (float(number) for number in done.stdout.split())
    ours, least = scion(), scion("--set", "target.model={use: mlp, hidden: [1]}", "--set",
                                 "target.train.batch_size=1", "--set", "target.dataset.train_size=1")
    return [{"network": name, "batch": batch, "memory": "resident, MiB", "scion": "%.0f" % ours,
             "pytorch": "%.0f" % most, "ratio": "%.2f" % (most / ours)},
            {"network": name, "batch": batch, "memory": "added by the training, MiB", "scion": "%.0f" % (ours - least),
             "pytorch": "%.0f" % (most - before), "ratio": "%.2f" % ((most - before) / (ours - least))}]


def blas():
    """Returns the file that libblas.so.3 links to."""
    with open("/proc/self/maps") as maps:
        files = {line.split()[-1] for line in maps if re.search(r"/lib(blas|openblas|mkl_rt|blis)[^/]*$", line)}
    return " ".join(sorted(os.path.realpath(file) for file in files)) or "its own"


def print_table(rows):
    """As markdown, without columns that are all blank."""
    columns = [column for column in rows[0] if any(row[column] for row in rows)]
    print("| " + " | ".join(columns) + " |\n|" + " --- |" * len(columns))
    for row in rows:
        print("| " + " | ".join(str(row[column]) for column in columns) + " |", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("networks", nargs="*", metavar="NETWORK", help="of %s (default: all)" % ", ".join(MODELS))
    parser.add_argument("--build", default=os.path.join(ROOT, "build"), metavar="DIR", help="default: build")
    parser.add_argument("--rounds", type=int, default=7, help="at least 5 (default 7)")
    parser.add_argument("--clock", choices=["wall", "cpu"], default="wall")
    parser.add_argument("--csv", default="compare.csv", metavar="FILE", help="default compare.csv")
    parser.add_argument("--torch-memory", nargs=2, metavar=("NETWORK", "BATCH"), help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    if arguments.torch_memory:
        torch_memory(arguments.torch_memory[0], int(arguments.torch_memory[1]))
        return
    if arguments.rounds < 5:
        parser.error("a median wants at least 5 rounds")
    for name in arguments.networks:
        if name not in MODELS:
            parser.error("no network '%s'; there are %s" % (name, ", ".join(MODELS)))
    wanted = [row for row in ROWS if not arguments.networks or row[0] in arguments.networks]
    print("PyTorch %s, BLAS: %s\n" % (torch.__version__, blas()))
    if "/blas/" in blas():
        print("compare.py: this is the reference BLAS; the ratios are not PyTorch's best", file=sys.stderr)
    ours_too = has_bf16(arguments.build)
    rows = []
    for row in wanted:
        rows.append(compare(arguments, row, ours_too))
        print("%(network)s, %(phase)s: %(ratio)s" % rows[-1], file=sys.stderr)
    with open(arguments.csv, "w", newline="") as file:
        writer = csv.DictWriter(file, fieldnames=list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    print_table(rows)
    if not arguments.networks or "resnet18" in arguments.networks:
        print()
        print_table(memory(arguments, "resnet18", 32))


if __name__ == "__main__":
    main()
