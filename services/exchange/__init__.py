"""Ships own logs and receives those of others."""
