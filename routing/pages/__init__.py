"""The pages of routing; each module owns its addresses."""
