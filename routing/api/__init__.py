"""The REST API of routing; each module owns its addresses."""
