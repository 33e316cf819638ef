"""What becomes of marked spans: segments of a text, labels for them, coverage, drawing. Pure."""
