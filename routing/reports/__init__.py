"""What pages and API tell of routing: reads alone."""
