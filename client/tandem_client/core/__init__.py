"""What both clients share: requests, errors, retries and plans, without any input or output."""
