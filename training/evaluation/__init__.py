"""How well scores agree with preferences: pure numpy."""
