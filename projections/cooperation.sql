-- Memoranda as their proposers tell them.
CREATE TABLE memorandum (
    log       text COLLATE "C",
    stream    uuid,
    stage     text,                   -- proposed, signing, in-force, withdrawn, ended: the proposer's last word
    kind      text,
    title     text,
    proposed  text COLLATE "C",       -- the record's time
    asked     bigint,
    closed    bigint,
    entered   bigint,                 -- position of the last entry into force
    ended     date,                   -- its last day
    reason    text,                   -- why it was withdrawn or ended
    PRIMARY KEY (log, stream)
);

-- Every text with its terms, oldest first.
CREATE TABLE version (
    log         text COLLATE "C",
    stream      uuid,
    position    bigint,
    time        text COLLATE "C",
    subjects    text[] COLLATE "C",
    parties     text[] COLLATE "C",
    outside     text[],
    digest      text,
    size        bigint,
    mediatype   text,
    valid_from  date,
    valid_to    date,
    notice_days integer,
    reason      text,
    PRIMARY KEY (log, stream, position)
);

-- Entries into force.
CREATE TABLE entry (
    log           text COLLATE "C",
    stream        uuid,
    position      bigint,
    origin_log      text COLLATE "C",  -- by which other records name it
    origin_position bigint,
    digest        text,
    in_force_from date,
    signatures    integer,            -- how many it names
    paper_date    date,
    paper_number  text,
    PRIMARY KEY (log, stream, position)
);

-- Whose signatures they name.
CREATE INDEX named_bureau ON named (left(answer_log, 6));

-- Parties that left, as the proposer confirms it.
CREATE TABLE released (
    log             text COLLATE "C",
    stream          uuid,
    position        bigint,
    bureau          text COLLATE "C",
    day             date,             -- the last day that binds it
    notice_log      text COLLATE "C",
    notice_position bigint,
    PRIMARY KEY (log, stream, position)
);

-- What a signature says beyond an answer.
ALTER TABLE answer
    ADD COLUMN digest       text,     -- the text that was signed
    ADD COLUMN note         text,     -- digest of the words beyond the reason
    ADD COLUMN paper_date   date,
    ADD COLUMN paper_number text;
CREATE INDEX answer_origin ON answer (origin_log, origin_position);

-- Notice to leave, in the leaving party's stream.
CREATE TABLE notice (
    log      text COLLATE "C",
    stream   uuid,
    position bigint,
    origin_log      text COLLATE "C",  -- by which other records name it
    origin_position bigint,
    day      date,
    reason   text,
    PRIMARY KEY (log, stream, position)
);
