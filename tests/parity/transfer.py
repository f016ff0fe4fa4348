#!/usr/bin/python3
"""The reference experiment in PyTorch: Fashion-MNIST classes 0-4 to classes 5-9.

Prints the mean and standard deviation over seeds of the final test accuracy for each
(model, images a class, strategy). The test suite does not run it; it is what Scion's own
runs of the same experiment are compared with.

    nice -n 19 ./transfer.py --model lenet5 mlp --per-class 10 100 --seeds 8 --threads 1
"""

import argparse
import gzip
import os
import time

import numpy as np
import torch
import torch.nn.functional as F

from nets import LeNet5, MLP

NETS = {"lenet5": LeNet5, "mlp": MLP}
STRATEGIES = ("scratch", "fine-tune", "linear-probe")
SOURCE_EPOCHS = 3
TARGET_EPOCHS = 20
BATCH = 64


def read_idx(path):
    with gzip.open(path) as file:
        data = file.read()
    dims = data[3]
    shape = np.frombuffer(data, ">i4", dims, 4)
    return np.frombuffer(data, np.uint8, offset=4 + 4 * dims).reshape(shape)


def read_split(root, name):
    images = read_idx(os.path.join(root, name + "-images-idx3-ubyte.gz"))
    labels = read_idx(os.path.join(root, name + "-labels-idx1-ubyte.gz"))
    inputs = torch.from_numpy(images.astype(np.float32) / 255).unsqueeze(1)
    return inputs, torch.from_numpy(labels.astype(np.int64))


def of_classes(split, classes):
    """The examples of these classes, with labels numbered 0, 1, ... in the classes' order."""
    inputs, labels = split
    chosen = torch.isin(labels, torch.tensor(classes))
    number = torch.full((10,), -1)
    number[torch.tensor(classes)] = torch.arange(len(classes))
    return inputs[chosen], number[labels[chosen]]


def of_each_class(split, count, generator):
    """`count` examples of each class, drawn by the generator."""
    inputs, labels = split
    order = torch.randperm(len(labels), generator=generator)
    chosen = torch.cat([order[labels[order] == c][:count] for c in labels.unique()])
    return inputs[chosen], labels[chosen]


def train(net, split, epochs, generator):
    inputs, labels = split
    trained = [p for p in net.parameters() if p.requires_grad]
    optimizer = torch.optim.SGD(trained, lr=0.02, momentum=0.9)
    for _ in range(epochs):
        for rows in torch.randperm(len(labels), generator=generator).split(BATCH):
            optimizer.zero_grad()
            F.cross_entropy(net(inputs[rows]), labels[rows]).backward()
            optimizer.step()


def accuracy(net, split):
    inputs, labels = split
    with torch.no_grad():
        guesses = torch.cat([net(x).argmax(1) for x in inputs.split(1000)])
    return 100 * (guesses == labels).double().mean().item()


def transfer(name, source, strategy):
    """Returns the strategy's model for five new classes."""
    net = NETS[name](5)
    if strategy == "scratch":
        return net
    kept = {k: v for k, v in source.state_dict().items() if not k.startswith(net.head + ".")}
    net.load_state_dict(kept, strict=False)
    if strategy == "linear-probe":
        for key, parameter in net.named_parameters():
            parameter.requires_grad = key.startswith(net.head + ".")
    return net


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--model", nargs="+", choices=list(NETS), default=list(NETS))
    parser.add_argument("--per-class", nargs="+", type=int, default=[10, 100])
    parser.add_argument("--seeds", type=int, default=5, help="seeds 1 .. SEEDS")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--root", default="/usr/share/datasets/fashion-mnist")
    args = parser.parse_args()

    torch.set_num_threads(args.threads)
    whole, test = read_split(args.root, "train"), read_split(args.root, "t10k")
    mean, deviation = whole[0].mean(dtype=torch.float64), whole[0].double().std(unbiased=False)
    standard = [(((x - mean) / deviation).float(), y) for x, y in (whole, test)]
    old, new = [0, 1, 2, 3, 4], [5, 6, 7, 8, 9]
    source_train, source_test = (of_classes(split, old) for split in standard)
    target_train, target_test = (of_classes(split, new) for split in standard)

    for name in args.model:
        result = {}
        start = time.time()
        for seed in range(1, args.seeds + 1):
            torch.manual_seed(seed)
            generator = torch.Generator().manual_seed(seed)
            source = NETS[name](5)
            train(source, source_train, SOURCE_EPOCHS, generator)
            result.setdefault(("source", ""), []).append(accuracy(source, source_test))
            for count in args.per_class:
                few = of_each_class(target_train, count, generator)
                for strategy in STRATEGIES:
                    net = transfer(name, source, strategy)
                    train(net, few, TARGET_EPOCHS, generator)
                    result.setdefault((strategy, count), []).append(accuracy(net, target_test))
        for (strategy, count), values in sorted(result.items(), key=lambda item: str(item[0][1])):
            listed = " ".join(f"{value:.2f}" for value in values)
            spread = np.std(values, ddof=1) if len(values) > 1 else float("nan")
            print(f"{name:8}{count!s:>5}  {strategy:13}{np.mean(values):7.2f} +- {spread:5.2f}   [{listed}]",
                  flush=True)
        print(f"{name}: {time.time() - start:.0f} s", flush=True)


if __name__ == "__main__":
    main()
