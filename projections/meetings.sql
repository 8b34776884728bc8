-- Meetings as their callers tell them.
CREATE TABLE meeting (
    log             text COLLATE "C",
    stream          uuid,
    stage           text,                -- called, held, cancelled
    title           text,
    day             date,
    division        text,
    place           text,
    outside         text[],
    memorandum_log  text COLLATE "C",    -- the record of the memorandum it was called under
    memorandum_position bigint,
    asked           bigint,
    closed          bigint,
    agenda          text,                -- digest of the attachment
    present         integer,
    excused         integer,
    observing       integer,
    decisions       integer,
    minutes         text,                -- digest of the attachment
    minutes_size    bigint,
    minutes_type    text,
    reason          text,                -- why it was cancelled
    PRIMARY KEY (log, stream)
);
CREATE INDEX meeting_day ON meeting (day);

ALTER TABLE answer ADD COLUMN persons integer;
