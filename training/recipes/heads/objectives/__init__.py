"""What each objective reads, fits and reports: the way from a dataset folder to a head."""
