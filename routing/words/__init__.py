"""What codes, columns and tags are called in the reader's language."""
