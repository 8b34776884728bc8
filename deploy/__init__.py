"""How a node is set up and run."""
