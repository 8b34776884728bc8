"""Looking a node over from outside its process: what is good, what is not, and what helps."""
