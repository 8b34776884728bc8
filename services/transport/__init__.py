"""The two channels between nodes that carry logs: Kafka and in-process."""
