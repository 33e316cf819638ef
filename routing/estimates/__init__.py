"""Figures that routing does not bias, from the propensities it recorded."""
