#!/usr/bin/python3
"""Makes vectors/statistics.json: what SciPy says of fixed samples. Needs Debian's python3-scipy alone.

SciPy 1.10 stands for the tests, the distributions and the bootstrap; Holm's correction, which it does not have,
follows the definition. Its bootstrap draws other samples than Scion's, so that intervals agree only up to the
error of drawing: SciPy draws 500,000.
"""

import itertools
import json
import math
import os

import numpy as np
from scipy import special, stats

FILE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "vectors", "statistics.json")

# The few that a small sample's means can be are whole numbers over the count: SciPy sees which of them are equal.
SAMPLES = {
    "three": [8016, 7921, 8134],
    "seven, two of them equal": [0.5132, 0.6218, 0.5132, 0.7311, 0.8579, 0.6007, 0.7104],
    "twelve, skewed": np.random.default_rng(6).lognormal(0, 0.8, 12).round(4).tolist(),
    "twenty of a normal": np.random.default_rng(1).normal(3, 2, 20).round(4).tolist(),
    "forty of a lognormal": np.random.default_rng(2).lognormal(0, 1, 40).round(4).tolist(),
    "two": [1.0, 3.0],
}

PAIRS = {
    "three, all up": [0.29, 0.31, 0.27],
    "six, all up": [0.1, 0.2, 0.05, 0.3, 0.01, 0.15],
    # Sums of these tie as decimals do, not as doubles do.
    "ties of decimals": [0.1, 0.2, -0.3, 0.3, 0.1, -0.1, 0.2],
    "zeros among them": [0.0, 0.5, 0.0, -0.25, 0.25, 0.5],
    "all zero": [0.0, 0.0, 0.0],
    "one": [0.5],
    "twelve": np.random.default_rng(3).normal(0.4, 1, 12).round(3).tolist(),
    "sixteen": np.random.default_rng(4).normal(-0.3, 1, 16).round(3).tolist(),
}

BLOCKS = {
    "three of four": [[0.51, 0.80, 0.48], [0.91, 0.93, 0.76], [0.82, 0.83, 0.76], [0.90, 0.91, 0.87]],
    "with ties": [[1, 1, 2, 3], [2, 2, 2, 1], [3, 1, 1, 4], [1, 2, 3, 4], [5, 5, 4, 4]],
    "all alike": [[1, 2, 3], [2, 3, 4], [1, 5, 9]],
    # Demsar 2006, table 6: four versions of C4.5 on fourteen data sets, by AUC.
    "Demsar's C4.5": [
        [0.763, 0.768, 0.771, 0.798], [0.599, 0.591, 0.590, 0.569], [0.954, 0.971, 0.968, 0.967],
        [0.628, 0.661, 0.654, 0.657], [0.882, 0.888, 0.886, 0.898], [0.936, 0.931, 0.916, 0.931],
        [0.661, 0.668, 0.609, 0.685], [0.583, 0.583, 0.563, 0.625], [0.775, 0.838, 0.866, 0.875],
        [1.000, 1.000, 1.000, 1.000], [0.940, 0.962, 0.965, 0.962], [0.619, 0.666, 0.614, 0.669],
        [0.972, 0.981, 0.9751, 0.975], [0.957, 0.978, 0.946, 0.970]],
}


def descriptions():
    for name, x in SAMPLES.items():
        reference = stats.bootstrap((x,), np.mean, n_resamples=500_000, batch=10_000, method="BCa",
                                    random_state=np.random.default_rng(7)).confidence_interval
        yield {"name": f"sample: {name}", "values": x, "mean": float(np.mean(x)), "median": float(np.median(x)),
               "deviation": float(stats.tstd(x)), "low": float(reference.low), "high": float(reference.high)}


def stratified():
    """An interval whose samples are drawn within strata; BCa with D&H's acceleration, spelled out."""
    x = np.array([0.51, 0.44, 0.60, 0.91, 0.92, 0.895, 0.93, 0.82, 0.83])
    stratum = np.array([0, 0, 0, 1, 1, 1, 1, 2, 2])
    random = np.random.default_rng(8)
    total = np.zeros(500_000)
    for s in range(3):
        own = x[stratum == s]
        total += own[random.integers(0, len(own), (len(total), len(own)))].sum(1)
    means = total / len(x)
    z0 = stats.norm.ppf(stats.percentileofscore(means.round(12), x.mean().round(12), kind="mean") / 100)
    influence = x - np.array([x[stratum == s].mean() for s in stratum])
    a = (influence**3).sum() / (6 * (influence**2).sum()**1.5)
    z = z0 + stats.norm.ppf([0.025, 0.975])
    low, high = np.quantile(means, stats.norm.cdf(z0 + z / (1 - a * z)))
    yield {"name": "sample: strata", "values": x.tolist(), "stratum": stratum.tolist(), "mean": float(x.mean()),
           "median": float(np.median(x)), "deviation": float(stats.tstd(x)), "low": float(low), "high": float(high)}


def permutations():
    for name, d in PAIRS.items():
        # SciPy counts ties up to 1e-14 of the statistic: it gets integers, which add up exactly.
        whole = np.round(np.array(d) * 10**4)
        p = 1.0 if len(d) == 1 else stats.permutation_test(
            (whole, np.zeros(len(d))), lambda x, y, axis: (x - y).sum(axis=axis), permutation_type="samples",
            vectorized=True, n_resamples=np.inf, alternative="two-sided").pvalue
        count = sum(abs(np.dot(signs, whole)) >= abs(whole.sum()) for signs in
                    itertools.product((1, -1), repeat=len(d))) if len(d) <= 12 else None
        assert count is None or math.isclose(p, count / 2**len(d)), (name, p, count)
        yield {"name": f"permutation: {name}", "difference": d, "p": float(p)}


def many_pairs():
    """Above the exact test's reach: the normal limit, and Wilcoxon's is no help; SciPy samples a million."""
    d = np.random.default_rng(5).normal(0.3, 1, 40).round(3)
    p = stats.permutation_test((d, np.zeros(40)), lambda x, y, axis: (x - y).sum(axis=axis),
                               permutation_type="samples", vectorized=True, n_resamples=999_999, batch=10_000,
                               random_state=np.random.default_rng(9)).pvalue
    yield {"name": "permutation: forty, sampled", "difference": d.tolist(), "p": float(p)}


def holm():
    for name, p in {"four": [0.01, 0.04, 0.03, 0.005], "ties and ones": [0.5, 0.5, 0.2, 1.0, 0.02],
                    "one": [0.03]}.items():
        order = np.argsort(p, kind="stable")
        corrected = np.empty(len(p))
        corrected[order] = np.minimum(1, np.maximum.accumulate((len(p) - np.arange(len(p))) * np.array(p)[order]))
        yield {"name": f"holm: {name}", "p": p, "corrected": corrected.tolist()}


def friedman():
    for name, rows in BLOCKS.items():
        x = np.array(rows, float)
        n, k = x.shape
        chi2, p = stats.friedmanchisquare(*x.T)
        case = {"name": f"friedman: {name}", "values": x.tolist(),
                "ranks": np.apply_along_axis(stats.rankdata, 1, x).tolist(), "chi2": float(chi2), "p": float(p),
                "critical_difference":
                    float(stats.studentized_range.ppf(0.95, k, np.inf) / math.sqrt(2) * math.sqrt(k * (k + 1) / 6 / n))}
        left = n * (k - 1) - chi2
        if left > 1e-9:
            case["f"] = float((n - 1) * chi2 / left)
            case["f_p"] = float(stats.f.sf(case["f"], k - 1, (k - 1) * (n - 1)))
        else:
            case["f_p"] = math.factorial(k)**-(n - 1)
        yield case


def distributions():
    points = []
    for x in (-8, -2.5, -0.3, 0, 1.96, 4):
        points.append({"of": "normal", "x": x, "is": float(stats.norm.cdf(x))})
    for p in (1e-12, 0.001, 0.025, 0.5, 0.9, 0.999):
        points.append({"of": "normal quantile", "x": p, "is": float(stats.norm.ppf(p))})
    for df in (1, 2, 3, 9, 40):
        for x in (0.01, 0.5, 3.84, 20, 150):
            points.append({"of": "chi2", "x": x, "a": df, "is": float(stats.chi2.sf(x, df))})
    for a, b in ((1, 1), (2, 6), (3, 39), (10, 200), (1, 30)):
        for x in (0.01, 0.7, 1, 4, 60):
            points.append({"of": "f", "x": x, "a": a, "b": b, "is": float(stats.f.sf(x, a, b))})
    for df in (1, 1.5, 2, 3, 4, 7, 9, 40, 1000):
        for p in (0.001, 0.025, 0.3, 0.5):
            # stats.t.ppf() is precise to ten digits only; t^2 has an F distribution, and thus a beta distribution.
            t = math.sqrt(df * (1 / special.betaincinv(df / 2, 0.5, 2 * p) - 1))
            points.append({"of": "t quantile", "x": p, "a": df, "is": -t})
            points.append({"of": "t quantile", "x": 1 - p, "a": df, "is": t})
    for k in (2, 3, 4, 10, 50, 100):
        points.append({"of": "range quantile", "x": 0.95, "a": k,
                       "is": float(stats.studentized_range.ppf(0.95, k, np.inf))})
        points.append({"of": "range", "x": 3.3, "a": k, "is": float(stats.studentized_range.cdf(3.3, k, np.inf))})
    yield {"name": "distributions", "points": points}


def cases():
    for part in (descriptions, stratified, permutations, many_pairs, holm, friedman, distributions):
        yield from part()


def write():
    with open(FILE, "w", newline="\n") as file:
        lines = [json.dumps(case, separators=(",", ":"), allow_nan=False) for case in cases()]
        file.write("[\n" + ",\n".join(lines) + "\n]\n")
    print(f"{FILE}: {len(lines)} cases, {os.path.getsize(FILE)} bytes")


if __name__ == "__main__":
    write()
