#!/usr/bin/env bash
# Has what a Kafka broker for demo and tests needs: a Java, and the jars of deploy/kafka/pom.xml.
source "$(dirname "$0")/common.sh"

java_version() { java -version 2>&1 | sed -nE '1s/.*"([0-9]+).*/\1/p'; }

if ! have java || [ "$(java_version)" -lt 17 ]; then
    debian 'found no Java 17 or newer' openjdk-17-jdk-headless
fi
have mvn || debian 'found no Maven' maven
have setpriv || debian 'found no setpriv' util-linux
.venv/bin/python -m deploy.kafka.broker fetch >/dev/null
