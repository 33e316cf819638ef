"""Implicit feedback from a product: taken in, counted, exported, forgotten."""
