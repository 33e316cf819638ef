"""Reward models and policies, retrained from what people and judges said."""
