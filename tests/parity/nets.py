"""The two small networks, as the model plugins build them."""

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
