"""Kafka for development, demo and tests; topics and rights for production."""
