"""Live conversations with models."""
