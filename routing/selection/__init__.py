"""Which instances or prompts people should see next: strategies as pure functions.

Each gives a score per row, the higher the sooner, or picks rows itself; none draws at random.
"""
