"""Looking at answers again: queues, adjudication, discussions, norming."""
