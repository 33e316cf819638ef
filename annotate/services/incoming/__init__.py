"""What comes in: imports, read in batches, and the rows that they refuse."""
