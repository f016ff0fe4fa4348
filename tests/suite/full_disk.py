#!/usr/bin/env python3
"""Fills the disk at every point of a suite: the command reports a clear error, nothing written before is damaged, and
with room again the same command completes the suite with the same results. Uses small file systems in memory, of many
sizes; skipped where none can be mounted."""

import argparse
import csv
import os
import shutil
import subprocess
import sys
import tempfile

SUITE = """name: full
strategy: fine-tune
source:
  dataset: { use: random, shape: [4], num_classes: 2, train_size: 32, test_size: 4 }
  model: { use: mlp, hidden: [16] }
  optimizer: sgd
  train: { epochs: 2 }
target:
  dataset: { use: random, shape: [4], num_classes: 2, train_size: 32, test_size: 4 }
  optimizer: sgd
  train: { epochs: 3 }
matrix: { seed: [1, 2, 3, 4, 5, 6] }
"""
SKIPPED = 77


def rows_of(path):
    """Returns the rows without the columns that may differ. Fails for an incomplete row."""
    with open(path, newline="") as file:
        rows = list(csv.reader(file))
    assert all(len(row) == len(rows[0]) for row in rows), f"{path} is damaged: {rows}"
    kept = [i for i, name in enumerate(rows[0]) if name not in ("seconds", "peak_mib")]
    return [[row[i] for i in kept] for row in rows]


def run(scion, folder, jobs):
    environment = dict(os.environ, SCION_CACHE="")
    return subprocess.run([scion, "run", "suite.yaml", "-j", str(jobs), "--checkpoint", "0"], cwd=folder,
                          env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)


def run_on_disk(scion, kib, jobs, expected):
    """Runs the suite on a disk of that size. Returns whether the disk was too small."""
    folder = tempfile.mkdtemp()
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={kib}k", "none", folder], check=True)
    results = os.path.join(folder, "runs/full/results.csv")
    try:
        with open(os.path.join(folder, "suite.yaml"), "w") as file:
            file.write(SUITE)
        done = run(scion, folder, jobs)
        if done.returncode != 0:
            assert "No space left on device" in done.stdout, f"{kib} KiB: {done.stdout}"
            assert done.returncode in (1, 2), f"{kib} KiB: status {done.returncode}: {done.stdout}"
            if os.path.exists(results):
                before = rows_of(results)
                assert before[0] == expected[0] and all(row in expected for row in before), f"{kib} KiB: {before}"
        subprocess.run(["mount", "-o", "remount,size=10m", folder], check=True)
        again = run(scion, folder, jobs)
        assert again.returncode == 0, f"{kib} KiB, with room again: {again.stdout}"
        assert rows_of(results) == expected, f"{kib} KiB: {rows_of(results)}"
        left = [name for _, _, names in os.walk(folder) for name in names if name.endswith((".tmp", ".new"))]
        assert not left, f"{kib} KiB: left behind: {left}"
        return done.returncode != 0
    finally:
        subprocess.run(["umount", folder], check=True)
        os.rmdir(folder)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--scion", required=True)
    parser.add_argument("--sizes", type=int, nargs="+", required=True, help="of the disks, in KiB")
    parser.add_argument("--inside", action="store_true", help="in a mount namespace of its own already")
    arguments = parser.parse_args()
    scion = os.path.abspath(arguments.scion)

    if not arguments.inside:
        alone = ["unshare", "--user", "--map-root-user", "--mount"]
        probe = tempfile.mkdtemp()
        can = subprocess.run(alone + ["mount", "-t", "tmpfs", "none", probe], capture_output=True) \
            if shutil.which("unshare") else None
        os.rmdir(probe)
        if not can or can.returncode != 0:
            print("no file system can be mounted here")
            sys.exit(SKIPPED)
        os.execvp("unshare", alone + [sys.executable] + sys.argv + ["--inside"])

    with tempfile.TemporaryDirectory() as folder:
        with open(os.path.join(folder, "suite.yaml"), "w") as file:
            file.write(SUITE)
        whole = run(scion, folder, 2)
        assert whole.returncode == 0, whole.stdout
        expected = rows_of(os.path.join(folder, "runs/full/results.csv"))
    small = [run_on_disk(scion, kib, 1 + i % 2, expected) for i, kib in enumerate(arguments.sizes)]
    print(f"{sum(small)} of {len(small)} disks were too small")
    assert any(small) and len(expected) == 7


if __name__ == "__main__":
    main()
