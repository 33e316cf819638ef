"""How much the alternative annotator test needs. Without numpy: the web reads it.

Source: Calderon, Reichart and Dror 2025 (arXiv:2501.10970): 50 to 100 items, three people, and 30
items of each, below which its t-test is doubtful.
"""

MIN_ITEMS = 50
MIN_ITEMS_EACH = 30
MIN_PEOPLE = 3
