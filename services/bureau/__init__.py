"""What may be asked of a bureau, and which fact it becomes."""
