#!/usr/bin/python3
"""Measures the gain of suites and of the engine's features: own.py [PART...] [--build DIR] [--rounds N] [--csv FILE].

suite    runs a minute of a suite of small runs, two at a time against one at a time
start    seconds from a run's start to the end of its first step, as its log says; and of a whole command for one step
reuse    seconds an epoch when the outputs of frozen modules are kept, against computing them in each epoch, for
         strategies on LeNet-5. The first epoch is left out
threads  samples a second of ResNet-18's training with two threads against one

Figures are medians over the rounds, in which both sides take turns. Nothing else should run on the machine, because a
second thread gains nothing when its processor is busy.
"""
import argparse
import csv
import glob
import os
import re
import resource
import statistics
import subprocess
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
RUNS = 12
SMALL = """name: small
strategy: scratch
seeds: %d
target:
  dataset: { use: random, shape: [1, 28, 28], num_classes: 10, train_size: 1024, test_size: 256 }
  model: { use: lenet5 }
  optimizer: { use: sgd, lr: 0.01 }
  train: { epochs: 5, batch_size: 64 }
"""
REUSE = """name: reuse
strategy: %s
source:
  dataset: { use: random, shape: [1, 28, 28], num_classes: 10, train_size: 64, test_size: 0 }
  model: { use: lenet5%s }
  optimizer: { use: sgd, lr: 0.01 }
  train: { epochs: 1 }
target:
  dataset: { use: random, shape: [1, 28, 28], num_classes: 10, train_size: 2048, test_size: 256 }
%s  optimizer: { use: sgd, lr: 0.01, momentum: 0.9 }
  train: { epochs: 1000, batch_size: 64 }
"""
STUDENT = "  model: { use: mlp, hidden: [32] }\n"


def environment(arguments, **more):
    return dict(os.environ, SCION_PLUGIN_PATH=os.path.join(arguments.build, "plugins"), SCION_CACHE="", **more)


def run(arguments, folder, *more):
    subprocess.run([os.path.join(arguments.build, "scion"), "run", "suite.yaml", "--quiet", *more], cwd=folder,
                   env=environment(arguments), check=True, stdout=subprocess.DEVNULL)


def write(folder, name, text):
    path = os.path.join(folder, name)
    with open(path, "w") as file:
        file.write(text)
    return path


def suite(arguments, folder):
    write(folder, "suite.yaml", SMALL % RUNS)
    rates = {1: [], 2: []}
    for turn in range(arguments.rounds):
        for jobs in rates:
            start = time.perf_counter()
            run(arguments, folder, "-j", str(jobs), "--out", "suite-%d-%d" % (turn, jobs))
            rates[jobs].append(60 * RUNS / (time.perf_counter() - start))
    yield "suite of LeNet-5, runs a minute", "-j 1", "-j 2", rates[1], rates[2]


def cpu_seconds():
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def start(arguments, folder):
    """The log counts from the beginning of the run's own process; the command has more to do before, and after."""
    write(folder, "suite.yaml", SMALL % 1)
    step = ["--set", "target.dataset.train_size=64", "--set", "target.train.epochs=1"]
    inside, whole, cpu = [], [], []
    for turn in range(arguments.rounds):
        out = "start-%d" % turn
        begin, used = time.perf_counter(), cpu_seconds()
        run(arguments, folder, "--out", out, *step)
        whole.append(time.perf_counter() - begin)
        cpu.append(cpu_seconds() - used)
        log = glob.glob(os.path.join(folder, out, "small", "*", "log.txt"))[0]
        inside.append(float(re.search(r"first step done ([0-9.]+) s", open(log).read()).group(1)))
    yield "start to first step, s", "by the run's log", "the command, with all after it", inside, whole
    yield "the same of the processor, s", "", "the command, with all after it", [], cpu


def turns(arguments, path, *more):
    command = [os.path.join(arguments.build, "scion"), "bench", path, "--turns", "training", *more]
    process = subprocess.Popen(command, env=environment(arguments), stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                               text=True)
    process.stdout.readline()
    return process


def take(process):
    process.stdin.write("\n")
    process.stdin.flush()
    return float(process.stdout.readline().split(",")[0])


def alternate(arguments, slow, fast):
    times = ([], [])
    for _ in range(arguments.rounds):
        for process, took in zip((slow, fast), times):
            took.append(take(process))
    slow.communicate("")
    fast.communicate("")
    return times


def reuse(arguments, folder):
    for strategy, width, model in (("linear-probe", "", ""), ("feature-map", "", ""), ("kd", "", STUDENT),
                                   ("kd", ", width: 4", STUDENT)):
        path = write(folder, "reuse.yaml", REUSE % (strategy, width, model))
        steps = "128" if width else "1024"  # long enough for caches to be warm: runs do not take turns
        new, kept = alternate(arguments, turns(arguments, path, "--steps", steps, "--recompute"),
                              turns(arguments, path, "--steps", steps))
        name = "%s%s, seconds an epoch" % (strategy, " of a wide teacher" if width else "")
        yield name, "made anew", "kept", [32 * seconds for seconds in new], [32 * seconds for seconds in kept]


def threads(arguments, folder):
    path = os.path.join(HERE, "networks", "resnet18.yaml")
    one, two = alternate(arguments, turns(arguments, path, "--threads", "1"), turns(arguments, path, "--threads", "2"))
    yield "ResNet-18, samples a second", "1 thread", "2 threads", [32 / s for s in one], [32 / s for s in two]


PARTS = {"suite": suite, "start": start, "reuse": reuse, "threads": threads}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("parts", nargs="*", metavar="PART", help="of %s (default: all)" % ", ".join(PARTS))
    parser.add_argument("--build", default=os.path.join(ROOT, "build"), metavar="DIR", help="default: build")
    parser.add_argument("--rounds", type=int, default=5, help="default 5")
    parser.add_argument("--csv", default="own.csv", metavar="FILE", help="default own.csv")
    arguments = parser.parse_args()
    arguments.build = os.path.abspath(arguments.build)
    for name in arguments.parts:
        if name not in PARTS:
            parser.error("no part '%s'; there are %s" % (name, ", ".join(PARTS)))
    rows = []
    print("| measured | before | | after | | times |\n| --- | --- | --- | --- | --- | --- |")
    for name in arguments.parts or PARTS:
        with tempfile.TemporaryDirectory() as folder:
            for what, left, right, before, after in PARTS[name](arguments, folder):
                a, b = statistics.median(before) if before else None, statistics.median(after)
                times = "" if name == "start" else "%.2f" % (a / b if "seconds an" in what else b / a)
                rows.append([what, left, "%.4g" % a if before else "", right, "%.4g" % b, times])
                print("| %s |" % " | ".join(rows[-1]), flush=True)
    with open(arguments.csv, "w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["measured", "before", "before_value", "after", "after_value", "times"])
        writer.writerows(rows)


if __name__ == "__main__":
    main()
