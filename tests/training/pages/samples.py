"""What a run's form sends, and what a reward model's run found."""

SHARE = {"value": 0.75, "low": 0.66, "high": 0.82, "rows": 96}
REWARD = {
    "test": {
        "rows": 96,
        "ties": 4,
        "accuracy": SHARE,
        "length_only_accuracy": {**SHARE, "value": 0.5},
        "ece": 0.0612,
        "log_loss": 0.58,
        "length_correlation": None,
        "against_length_only": {"only_a": 20, "only_b": 5, "p_value": 0.004},
    }
}
FORM = {
    "base_model": "minilm",
    "method": "frozen",
    "epochs": "1",
    "batch_size": "8",
    "learning_rate": "1e-4",
    "max_length": "128",
    "tie_rule": "drop",
    "seed": "3",
}
