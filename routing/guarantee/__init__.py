"""What an AI share is promised to keep, and whether a judge may label at all."""
