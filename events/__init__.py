"""What can happen and what it means: pure facts, their states, bytes and proofs."""
