"""Which item a person labels next, and when an item has labels enough: pure functions of values."""
