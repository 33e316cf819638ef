"""Template tags of the annotation pages."""
