"""What trainers read, a module each."""
