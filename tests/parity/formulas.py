"""The losses of scion/losses.h, written down from their papers in PyTorch's float64."""

import torch
import torch.nn.functional as F


def kl_divergence(student, teacher, temperature):
    """Hinton, Vinyals, Dean, arXiv:1503.02531: between softened probabilities, without the factor temperature^2."""
    p = (teacher / temperature).softmax(1)
    return (p * ((teacher / temperature).log_softmax(1) - (student / temperature).log_softmax(1))).sum(1).mean()


def cosine_distance(a, b):
    return (1 - (a * b).sum(-1) / (a.pow(2).sum(-1).sqrt() * b.pow(2).sum(-1).sqrt())).mean()


def coral(x, y):
    """Sun, Saenko, arXiv:1607.01719, equations 1 to 3."""

    def covariance(d):
        n = d.shape[0]
        ones = torch.ones(1, n, dtype=d.dtype)
        return (d.T @ d - (ones @ d).T @ (ones @ d) / n) / (n - 1)

    return (covariance(x) - covariance(y)).pow(2).sum() / (4 * x.shape[1] ** 2)


def pairs_of(estimator, n, m):
    """Returns the pairs of rows within x, within y, and across, with the divisors of the sums over them."""
    if estimator == "linear":  # Long et al., equation 7
        half = min(n, m) // 2
        within = [(2 * i, 2 * i + 1) for i in range(half)]
        across = [(2 * i, 2 * i + 1) for i in range(half)] + [(2 * i + 1, 2 * i) for i in range(half)]
        return within, within, across, half, half, half
    both = estimator == "biased"
    x = [(i, j) for i in range(n) for j in range(n) if both or i != j]
    y = [(i, j) for i in range(m) for j in range(m) if both or i != j]
    return x, y, [(i, j) for i in range(n) for j in range(m)], len(x), len(y), n * m / 2


def mmd(x, y, estimator="linear", heuristic="median", bandwidth=0.0, kernels=33, step=2**0.5):
    """Long, Cao, Wang, Jordan, arXiv:1502.02791: kernels of equal weight, bandwidths around the heuristic's."""
    within_x, within_y, across, of_x, of_y, of_both = pairs_of(estimator, len(x), len(y))

    def distances(a, b, pairs):
        return torch.stack([(a[i] - b[j]).pow(2).sum() for i, j in pairs])

    gamma = bandwidth
    if gamma == 0:
        chosen = torch.cat([distances(x, x, [(i, j) for i, j in within_x if i < j]),
                            distances(y, y, [(i, j) for i, j in within_y if i < j]),
                            distances(x, y, across)]).detach()
        gamma = (chosen.mean() if heuristic == "mean" else chosen.quantile(0.5)).item()

    def kernel(d):
        return sum((-d / (gamma * step ** (u - kernels // 2))).exp() for u in range(kernels)) / kernels

    return (kernel(distances(x, x, within_x)).sum() / of_x + kernel(distances(y, y, within_y)).sum() / of_y -
            kernel(distances(x, y, across)).sum() / of_both)


def pairwise_squared_distance(a, b):
    return (a[:, None] - b[None]).pow(2).sum(-1)


def root(square):
    """The square root, with a gradient of 0 at 0, where it is infinite."""
    return torch.where(square > 0, torch.where(square > 0, square, torch.ones_like(square)).sqrt(), square * 0)


def pairwise_distance(a, b):
    return root(pairwise_squared_distance(a, b))


def norm(x, axes, keep):
    return root(x.pow(2).sum(axes, keepdim=keep))


def normalize(x, axes, eps):
    return x / x.pow(2).sum(axes, keepdim=True).sqrt().clamp_min(eps)


def smooth_l1(a, b):
    return F.smooth_l1_loss(a, b)
