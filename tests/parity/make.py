#!/usr/bin/python3
"""Makes all vectors again."""

import make_losses
import make_models
import make_ops
import make_optimizers
import make_statistics
import make_transforms
import vectors

if __name__ == "__main__":
    for subject, module in (("ops", make_ops), ("optimizers", make_optimizers), ("losses", make_losses),
                            ("models", make_models), ("transforms", make_transforms)):
        vectors.write(subject, list(module.cases()))
    make_statistics.write()
