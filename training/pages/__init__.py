"""Pages for runs, model versions and schedules. Nothing here imports torch."""
