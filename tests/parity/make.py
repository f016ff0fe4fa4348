#!/usr/bin/python3
"""Writes all vectors anew."""

import make_losses
import make_models
import make_ops
import make_optimizers
import make_statistics
import make_strategies_distillation
import make_strategies_feature
import make_strategies_parameter
import make_transforms
import vectors

SUBJECTS = {
    "ops": make_ops,
    "optimizers": make_optimizers,
    "losses": make_losses,
    "models": make_models,
    "transforms": make_transforms,
    "strategies-parameter": make_strategies_parameter,
    "strategies-distillation": make_strategies_distillation,
    "strategies-feature": make_strategies_feature,
}

if __name__ == "__main__":
    for subject, module in SUBJECTS.items():
        vectors.write(subject, list(module.cases()))
    make_statistics.write()
