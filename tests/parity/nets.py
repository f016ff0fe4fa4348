"""The networks, as the model plugins build them."""

import torch
import torch.nn.functional as F
from torch import nn


class LeNet5(nn.Module):
    shape = (1, 28, 28)
    head = "fc3"

    def __init__(self, outputs):
        super().__init__()
        self.conv1 = nn.Conv2d(1, 6, 5, padding=2)
        self.conv2 = nn.Conv2d(6, 16, 5)
        self.fc1 = nn.Linear(400, 120)
        self.fc2 = nn.Linear(120, 84)
        self.fc3 = nn.Linear(84, outputs)

    def forward(self, x):
        x = F.max_pool2d(F.relu(self.conv1(x)), 2)
        x = F.max_pool2d(F.relu(self.conv2(x)), 2)
        x = F.relu(self.fc1(x.flatten(1)))
        return self.fc3(F.relu(self.fc2(x)))


class MLP(nn.Module):
    shape = (1, 28, 28)
    head = "fc2"

    def __init__(self, outputs):
        super().__init__()
        self.fc1 = nn.Linear(784, 128)
        self.fc2 = nn.Linear(128, outputs)

    def forward(self, x):
        return self.fc2(F.relu(self.fc1(x.flatten(1))))


class Block(nn.Module):
    """torchvision's BasicBlock; with `zeros`, the paper's shortcut without parameters."""

    def __init__(self, cin, cout, stride, zeros):
        super().__init__()
        self.conv1 = nn.Conv2d(cin, cout, 3, stride, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(cout)
        self.conv2 = nn.Conv2d(cout, cout, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(cout)
        self.stride = stride
        self.extra = cout - cin
        self.downsample = None
        if not zeros and (stride > 1 or cin != cout):
            self.downsample = nn.Sequential(nn.Conv2d(cin, cout, 1, stride, bias=False),
                                            nn.BatchNorm2d(cout))

    def forward(self, x):
        y = self.bn2(self.conv2(F.relu(self.bn1(self.conv1(x)))))
        if self.downsample:
            x = self.downsample(x)
        else:
            x = F.pad(x[:, :, ::self.stride, ::self.stride], (0, 0, 0, 0, 0, self.extra))
        return F.relu(y + x)


class ResNet(nn.Module):
    head = "fc"

    def __init__(self, outputs, shape, width, blocks, zeros=False, imagenet=False):
        super().__init__()
        self.shape = shape
        self.conv1 = (nn.Conv2d(shape[0], width, 7, 2, 3, bias=False) if imagenet else
                      nn.Conv2d(shape[0], width, 3, 1, 1, bias=False))
        self.bn1 = nn.BatchNorm2d(width)
        self.imagenet = imagenet
        self.stages = len(blocks)
        cin = width
        for stage, count in enumerate(blocks):
            cout = width << stage
            layers = []
            for i in range(count):
                layers.append(Block(cin, cout, 2 if stage and not i else 1, zeros))
                cin = cout
            setattr(self, f"layer{stage + 1}", nn.Sequential(*layers))
        self.fc = nn.Linear(cin, outputs)

    def forward(self, x):
        x = F.relu(self.bn1(self.conv1(x)))
        if self.imagenet:
            x = F.max_pool2d(x, 3, 2, 1)
        for stage in range(self.stages):
            x = getattr(self, f"layer{stage + 1}")(x)
        return self.fc(x.mean((2, 3)))


class VGG(nn.Module):
    """torchvision's vgg11_bn with other widths; a pooling whose result would be empty is an identity."""
    head = "classifier"

    def __init__(self, outputs, shape, width, pool, hidden):
        super().__init__()
        self.shape = shape
        layers, cin, side = [], shape[0], min(shape[1:])
        for multiple, count in ((1, 1), (2, 1), (4, 2), (8, 2), (8, 2)):
            for _ in range(count):
                layers += [nn.Conv2d(cin, width * multiple, 3, padding=1), nn.BatchNorm2d(width * multiple),
                           nn.ReLU()]
                cin = width * multiple
            layers.append(nn.MaxPool2d(2) if side > 1 else nn.Identity())
            side //= 2
        self.features = nn.Sequential(*layers)
        self.avgpool = nn.AdaptiveAvgPool2d(pool)
        self.classifier = nn.Sequential(nn.Linear(cin * pool * pool, hidden), nn.ReLU(), nn.Identity(),
                                        nn.Linear(hidden, outputs))

    def forward(self, x):
        return self.classifier(self.avgpool(self.features(x)).flatten(1))
