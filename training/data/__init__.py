"""Preference pairs from files, and the token ids that models are trained on."""
