"""What runs: each package here is one part of a node."""
