"""Kafka for development, demo and tests; README.md says which rights production needs."""
