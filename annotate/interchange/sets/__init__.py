"""Rows as known sets of preferences have them, a module each."""
