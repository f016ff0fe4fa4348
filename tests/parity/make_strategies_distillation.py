#!/usr/bin/python3
"""Vectors of the strategies of knowledge distillation, from the papers' formulas."""

import torch.nn.functional as F

import vectors
from strategies import Trial, lenet5, mlp, run


def kl(student, teacher, temperature):
    """Hinton, Vinyals, Dean: the teacher's soft targets against the student's, mean over examples."""
    p = F.softmax(teacher / temperature, 1)
    return (p * (p.log() - F.log_softmax(student / temperature, 1))).sum(1).mean()


def kd(name, target, source, batch, temperature, alpha):
    trial = Trial(f"kd, {name}", f"{{use: kd, temperature: {temperature}, alpha: {alpha}}}", target, source,
                  batch)
    student, teacher = run(target, trial.x)[0], run(source, trial.x)[0]
    soft = kl(student, teacher, temperature)
    return trial.finish((1 - alpha) * trial.task_loss(student) + alpha * temperature**2 * soft, kd=soft)


def cases():
    yield kd("one architecture", mlp([7], [5], 3), mlp([7], [5], 3), 6, 4, 0.9)
    yield kd("another teacher", mlp([1, 12, 12], [9], 4), lenet5([1, 12, 12], 4), 5, 2, 0.5)
    yield kd("hot, one example", mlp([4], [], 10), mlp([4], [6, 5], 10), 1, 20, 1)


if __name__ == "__main__":
    vectors.write("strategies-distillation", list(cases()))
