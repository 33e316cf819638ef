"""The REST API of training; each module owns its addresses."""
