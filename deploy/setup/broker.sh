#!/usr/bin/env bash
# Has what a Kafka broker for demo and tests needs: a Java, and the jars of deploy/kafka/pom.xml.
source "$(dirname "$0")/common.sh"

java_17() {
    local version
    version=$(java -version 2>&1 | sed -nE 's/.* version "([0-9]+).*/\1/p')
    [ "${version:-0}" -ge 17 ]
}

{ have java && java_17; } || debian 'found no Java 17 or newer' openjdk-17-jdk-headless
have mvn || debian 'found no Maven' maven
have setpriv || debian 'found no setpriv' util-linux
.venv/bin/python -m deploy.kafka.broker fetch >/dev/null
