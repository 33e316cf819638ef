"""Webhooks: receivers, what is told to them, and bringing it there."""
