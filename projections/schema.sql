-- What the machinery of read models keeps: which there are, how far each has come, and what waits.
CREATE SCHEMA projection;

-- A read model's instance: the live one has the model's name, the next one `…_next`, one of a past day `…_at_…`.
CREATE TABLE projection.model (
    name    text PRIMARY KEY,
    model   text NOT NULL,
    version integer NOT NULL,
    state   text NOT NULL DEFAULT 'running' CHECK (state IN ('running', 'paused')),
    moved   timestamptz NOT NULL DEFAULT clock_timestamp()   -- when its positions last grew
);

-- The vector: up to where each log was folded, skipped or set aside.
CREATE TABLE projection.position (
    model    text NOT NULL REFERENCES projection.model ON UPDATE CASCADE ON DELETE CASCADE,
    log      text COLLATE "C" NOT NULL,
    position bigint NOT NULL,
    PRIMARY KEY (model, log)
);

-- Every record that a model has passed without folding it, one row each, whatever the cause.
CREATE TABLE projection.waiting (
    model            text NOT NULL REFERENCES projection.model ON UPDATE CASCADE ON DELETE CASCADE,
    log              text COLLATE "C" NOT NULL,
    position         bigint NOT NULL,
    stream           uuid NOT NULL,
    time             text COLLATE "C" NOT NULL,
    type             text NOT NULL,
    cause            text NOT NULL CHECK (cause IN ('held', 'unknown', 'failed', 'foreign', 'basis-missing')),
    missing_log      text COLLATE "C",       -- the record it waits for; NULL: ready to be tried again
    missing_position bigint,
    attempts         integer NOT NULL DEFAULT 1,
    detail           text NOT NULL,
    since            timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (model, log, position)
);
CREATE INDEX waiting_stream ON projection.waiting (model, log, stream);
CREATE INDEX waiting_missing ON projection.waiting (model, missing_log, missing_position);
CREATE INDEX waiting_ready ON projection.waiting (model, time, log, position)
    WHERE missing_log IS NULL AND cause IN ('held', 'basis-missing');

-- Records that are left out for good, by a person's word or because their bytes are gone; dependants go on.
CREATE TABLE projection.skipped (
    model    text NOT NULL REFERENCES projection.model ON UPDATE CASCADE ON DELETE CASCADE,
    log      text COLLATE "C" NOT NULL,
    position bigint NOT NULL,
    stream   uuid NOT NULL,
    kind     text NOT NULL DEFAULT 'skipped' CHECK (kind IN ('skipped', 'redacted')),
    reason   text NOT NULL,
    decided  timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (model, log, position)
);
CREATE INDEX skipped_stream ON projection.skipped (model, log, stream);
