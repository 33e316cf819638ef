"""What may be set of policies, selections and simulations, and what is wrong with it."""
