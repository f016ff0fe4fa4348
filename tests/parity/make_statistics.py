#!/usr/bin/python3
"""Makes vectors/statistics.json: SciPy's results for fixed samples. Needs Debian's python3-scipy alone.

SciPy 1.10 computes the tests, the distributions and the intervals. Holm's correction and the intervals where results
are missing, which it lacks, follow the definitions.
"""

import itertools
import json
import math
import os

import numpy as np
from scipy import special, stats

FILE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "vectors", "statistics.json")

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
    # Sums of these are tied as decimals, although not as doubles.
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


def t_quantile(p, df):
    """For p <= 0.5. stats.t.ppf() is precise to ten digits only; t^2 has an F, and thus a beta distribution."""
    t = -math.sqrt(df * (1 / special.betaincinv(df / 2, 0.5, 2 * p) - 1))
    assert math.isclose(t, stats.t.ppf(p, df), rel_tol=1e-8, abs_tol=1e-8)
    return t


def t_interval(x):
    half = -t_quantile(0.025, len(x) - 1) * stats.sem(x)
    return np.mean(x) - half, np.mean(x) + half


def descriptions():
    for name, x in SAMPLES.items():
        low, high = t_interval(x)
        yield {"name": f"sample: {name}", "values": x, "mean": float(np.mean(x)), "median": float(np.median(x)),
               "deviation": float(stats.tstd(x)), "low": float(low), "high": float(high)}


def replicates():
    """Intervals of the mean over tasks (columns) of results by seed (rows), with and without missing results."""
    random = np.random.default_rng(8)
    x = (random.normal(0, 1, (5, 4)) + random.normal(0, 1, (5, 1)) + [10, 20, 30, 40]).round(3)
    low, high = t_interval(x.mean(1))
    yield {"name": "replicates: five seeds, four tasks", "values": x.tolist(), "seeds": 5, "tasks": 4,
           "mean": float(x.mean()), "low": float(low), "high": float(high)}
    for name, missing in {"one missing": [(1, 2)], "many missing": [(0, 0), (1, 0), (1, 3), (4, 1), (2, 1), (3, 1)],
                          "a seed and a task missing": [(3, j) for j in range(4)] + [(i, 1) for i in range(5)],
                          "a seed for each task": [(i, j) for i in range(5) for j in range(4) if i % 2 != j % 2]}.items():
        y = x.copy()
        for at in missing:
            y[at] = np.nan
        yield {"name": f"replicates: {name}", "values": [[None if np.isnan(v) else v for v in row] for row in y.tolist()],
               **clustered(y[:, ~np.isnan(y).all(0)][~np.isnan(y).all(1)])}


def clustered(x):
    """The definition by matrices: u = A x are the seeds' influences, whose covariance for independent x is A A'."""
    seeds, tasks = x.shape
    there = ~np.isnan(x)
    a = np.zeros((seeds, seeds * tasks))
    for t in range(tasks):
        n = there[:, t].sum()
        for s in np.flatnonzero(there[:, t]):
            for other in np.flatnonzero(there[:, t]):
                a[s, other * tasks + t] = math.sqrt(n / (n - 1)) / (n * tasks) * ((s == other) - 1 / n)
    u, covariance = a @ np.nan_to_num(x).ravel(), a @ a.T
    freedom = np.trace(covariance)**2 / (covariance**2).sum()
    mean = np.nanmean(x, 0).mean()
    half = -t_quantile(0.025, freedom) * math.sqrt((u**2).sum())
    return {"seeds": seeds, "tasks": tasks, "mean": float(mean), "low": float(mean - half), "high": float(mean + half)}


def permutations():
    for name, d in PAIRS.items():
        # SciPy counts ties up to 1e-14 of the statistic: so it gets integers, whose sums are exact.
        whole = np.round(np.array(d) * 10**4)
        p = 1.0 if len(d) == 1 else stats.permutation_test(
            (whole, np.zeros(len(d))), lambda x, y, axis: (x - y).sum(axis=axis), permutation_type="samples",
            vectorized=True, n_resamples=np.inf, alternative="two-sided").pvalue
        count = sum(abs(np.dot(signs, whole)) >= abs(whole.sum()) for signs in
                    itertools.product((1, -1), repeat=len(d))) if len(d) <= 12 else None
        assert count is None or math.isclose(p, count / 2**len(d)), (name, p, count)
        yield {"name": f"permutation: {name}", "difference": d, "p": float(p)}


def many_pairs():
    """More pairs than the exact test supports: SciPy samples a million permutations."""
    d = np.random.default_rng(5).normal(0.3, 1, 40).round(3)
    p = stats.permutation_test((d, np.zeros(40)), lambda x, y, axis: (x - y).sum(axis=axis),
                               permutation_type="samples", vectorized=True, n_resamples=999_999, batch=10_000,
                               random_state=np.random.default_rng(9)).pvalue
    yield {"name": "permutation: forty, sampled", "difference": d.tolist(), "p": float(p)}


def by_seed():
    """All differences of a seed change their sign together: the definition, over all patterns."""
    x = np.random.default_rng(10).normal(0.4, 1, (7, 3)).round(2)
    x[2, 1] = x[5, 0] = np.nan
    means = [np.nanmean(np.array(signs)[:, None] * x, 0).mean() for signs in itertools.product((1, -1), repeat=7)]
    p = np.mean(np.abs(means) >= abs(np.nanmean(x, 0).mean()) - 1e-9)
    yield {"name": "by seed: seven seeds, three tasks",
           "values": [[None if np.isnan(v) else v for v in row] for row in x.tolist()], "p": float(p)}


def exchanges():
    """Three contenders, whose ranks are exchanged within each of four seeds: the definition, over all exchanges."""
    x = np.random.default_rng(11).normal([0, 0, 0.8], 1, (4, 3, 3)).round(2)
    x[1, 2] = np.nan
    x[3, 0] = x[3, 0, 0]
    ranks = np.apply_along_axis(stats.rankdata, 2, x) - 2
    ranks[1, 2] = np.nan
    by_seed = np.nansum(ranks / (~np.isnan(ranks)).sum(0), 1)

    def distance(orders):
        return (sum(row[list(order)] for row, order in zip(by_seed, orders))**2).sum()

    far = [distance(orders) for orders in itertools.product(itertools.permutations(range(3)), repeat=4)]
    yield {"name": "exchanges: four seeds, three tasks", "seeds": 4, "tasks": 3, "k": 3,
           "values": [None if np.isnan(v) else v for v in x.ravel().tolist()],
           "p": float(np.mean(np.array(far) >= distance([(0, 1, 2)] * 4) - 1e-9))}


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
            t = t_quantile(p, df)
            points.append({"of": "t quantile", "x": p, "a": df, "is": t})
            points.append({"of": "t quantile", "x": 1 - p, "a": df, "is": -t})
    for k in (2, 3, 4, 10, 50, 100):
        points.append({"of": "range quantile", "x": 0.95, "a": k,
                       "is": float(stats.studentized_range.ppf(0.95, k, np.inf))})
        points.append({"of": "range", "x": 3.3, "a": k, "is": float(stats.studentized_range.cdf(3.3, k, np.inf))})
    yield {"name": "distributions", "points": points}


def cases():
    for part in (descriptions, replicates, permutations, many_pairs, by_seed, exchanges, holm, friedman, distributions):
        yield from part()


def write():
    with open(FILE, "w", newline="\n") as file:
        lines = [json.dumps(case, separators=(",", ":"), allow_nan=False) for case in cases()]
        file.write("[\n" + ",\n".join(lines) + "\n]\n")
    print(f"{FILE}: {len(lines)} cases, {os.path.getsize(FILE)} bytes")


if __name__ == "__main__":
    write()
