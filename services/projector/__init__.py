"""Folds every followed log, as far as checkpoints cover it, into the read models."""
