"""Gradient boosting by scikit-learn, handed to routing as plain trees. numpy when it is used."""

from importlib.util import find_spec
from typing import Any

from routing.boosting import register

MOST_ROWS = 5000  # drawn of more: a fit stays below a few seconds
SETTINGS = {
    "n_estimators": 80,
    "learning_rate": 0.08,
    "max_depth": 3,
    "min_samples_leaf": 20,
    "max_features": 0.3,
}


def boost(x_NC: Any, target_N: Any, weight_N: Any, seed: int) -> Any:
    """Trees of the log-loss of targets, which are cut to 0..1: a row counts as wrong with its
    target, and as right with the rest.
    """
    import numpy as np
    from sklearn.ensemble import GradientBoostingClassifier

    from routing.predictor.trees import Trees

    if len(target_N) > MOST_ROWS:
        drawn = np.random.default_rng(seed).permutation(len(target_N))[:MOST_ROWS]
        x_NC, target_N, weight_N = x_NC[drawn], target_N[drawn], weight_N[drawn]
    wrong_N = np.clip(target_N, 0.0, 1.0)
    weight = np.concatenate([weight_N * wrong_N, weight_N * (1 - wrong_N)])
    label = np.concatenate([np.ones(len(wrong_N)), np.zeros(len(wrong_N))])
    x, counts = np.concatenate([x_NC, x_NC]), weight > 0
    mean = float(np.clip(weight[label == 1].sum() / max(weight.sum(), 1e-12), 1e-3, 1 - 1e-3))
    if len(np.unique(label[counts])) < 2:
        return Trees(float(np.log(mean / (1 - mean))), ())
    model = GradientBoostingClassifier(**SETTINGS, random_state=seed)
    model.fit(x[counts], label[counts], sample_weight=weight[counts])
    trees = tuple(_plain(one.tree_, model.learning_rate) for one in model.estimators_[:, 0])
    probe = x[counts][:1]
    base = float(model.decision_function(probe)[0] - Trees(0.0, trees).logit(probe)[0])
    return Trees(base, trees)


def _plain(tree: Any, rate: float) -> Any:
    """An inner node's value is the mean of its leaves, weighted as the rows that were fitted."""
    import numpy as np

    from routing.predictor.trees import LEAF, Tree

    leaf_K = tree.children_left < 0
    value_K = np.where(leaf_K, rate * tree.value[:, 0, 0], 0.0)
    mass_K = tree.weighted_n_node_samples
    for node in range(tree.node_count - 1, -1, -1):  # children come after their parents
        if not leaf_K[node]:
            below = [tree.children_left[node], tree.children_right[node]]
            value_K[node] = np.average(value_K[below], weights=mass_K[below])
    return Tree(
        np.where(leaf_K, LEAF, tree.feature).astype(np.int64),
        np.where(leaf_K, 0.0, tree.threshold),
        tree.children_left.astype(np.int64),
        tree.children_right.astype(np.int64),
        value_K,
    )


def find() -> Any:
    return boost if find_spec("sklearn") is not None else None


def register_booster() -> None:
    register(find)
