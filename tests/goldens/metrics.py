#!/usr/bin/env python3
"""Prints the rows of tests/test_metrics.c that say "scikit-learn". Needs scikit-learn (made with 1.9.1)."""
import numpy as np
from sklearn.metrics import accuracy_score, average_precision_score, f1_score, roc_auc_score


def ranking(seed, count, steps):
    """Scores on a grid of `steps`, so that many are equal."""
    g = np.random.default_rng(seed)
    positive = g.integers(0, 2, count)
    score = np.round((g.random(count) + 0.4 * positive) * steps) / steps
    return score, positive


for seed, count, steps in (1, 24, 8), (2, 24, 1000), (3, 24, 2):
    score, positive = ranking(seed, count, steps)
    print("{.scores = {", ", ".join("%g" % s for s in score), "},")
    print(" .positives = \"%s\"," % "".join(map(str, positive)))
    print(" .auc = %.17g, .average_precision = %.17g}," %
          (roc_auc_score(positive, score), average_precision_score(positive, score)))

for counts in (50, 7, 11, 32), (90, 0, 10, 0), (0, 0, 3, 17), (1, 2, 3, 4), (0, 0, 0, 5), (0, 9, 4, 0):
    truth = np.repeat([0, 0, 1, 1], counts)
    guess = np.repeat([0, 1, 0, 1], counts)
    scores = (f1_score(truth, guess, average="macro", zero_division=0),
              f1_score(truth, guess, average="weighted", zero_division=0),
              f1_score(guess, truth, average="weighted", zero_division=0),
              accuracy_score(truth, guess))
    print("{{{{%d, %d}, {%d, %d}}}, {" % counts + ", ".join("%.17g" % s for s in scores) + "}},")
