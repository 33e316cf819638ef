"""Simulated people, who use the product as people do: over HTTP, signed in, one task at a time."""
