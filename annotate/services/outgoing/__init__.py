"""What leaves: selections of judgements, exports, snapshots."""
