"""A node's verified copy of the logs it follows: entries, checkpoints, guard, proofs, tiles."""
