"""What this does beside what the machine could do: figures as ratios, measured in one run."""
