"""What `make` calls to bring a machine to the point where the project runs."""
