"""The exchange over Apache Kafka, with kafka-python 3.0.12 and its traps stepped round."""

from services.transport.kafka import security
from services.transport.kafka.clients import Settings
from services.transport.kafka.exchange import KafkaExchange

__all__ = ["KafkaExchange", "Settings", "security"]
