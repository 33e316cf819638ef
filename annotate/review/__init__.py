"""Reviewing answers: comparing them, laying spans over each other, reading mentions. Pure."""
