-- Every record as it stands in its log, corrections among them; the words come from the payload when asked.
CREATE TABLE entry (
    log         text COLLATE "C",
    stream      uuid,
    position    bigint,
    time        timestamptz,
    type        text,
    actor       text,
    causation   uuid,
    correlation uuid,
    PRIMARY KEY (log, stream, position)
);
CREATE INDEX entry_time ON entry (time, log, position);
CREATE INDEX entry_correlation ON entry (correlation) WHERE correlation IS NOT NULL;

-- What each record rests on, and so the other way round who rests on a record.
CREATE TABLE basis (
    log            text COLLATE "C",
    stream         uuid,
    position       bigint,
    basis_log      text COLLATE "C",
    basis_position bigint,
    PRIMARY KEY (log, stream, position, basis_log, basis_position)
);
CREATE INDEX basis_record ON basis (basis_log, basis_position);

-- What a stream is called, as its own records say it last.
CREATE TABLE subject (
    log    text COLLATE "C",
    stream uuid,
    title  text,
    PRIMARY KEY (log, stream)
);

-- In which order records were first seen here; this node's own, for live pages, and in no digest.
CREATE TABLE arrival (
    number   bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    log      text COLLATE "C" NOT NULL,
    stream   uuid NOT NULL,
    position bigint NOT NULL
);
