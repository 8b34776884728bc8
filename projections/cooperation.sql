-- Memoranda as their proposers tell them, and signatures as the other parties give them.
CREATE TABLE memorandum (
    log       text COLLATE "C",
    stream    uuid,
    stage     text,                   -- proposed, signing, in-force, withdrawn, ended: the proposer's last word
    kind      text,
    title     text,
    proposed  text COLLATE "C",       -- the record's time
    sent      bigint,                 -- position of the record that asked for signatures last
    closed    bigint,                 -- position of the record after which nobody is asked any more
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

-- Whom the proposer asks to sign, and until when.
CREATE TABLE asked (
    log       text COLLATE "C",
    stream    uuid,
    bureau    text COLLATE "C",
    position  bigint,                 -- of the record that put the question to this bureau
    due       date,
    passed_to text COLLATE "C",
    PRIMARY KEY (log, stream, bureau)
);
CREATE INDEX asked_bureau ON asked (bureau);

-- The records that a signature can name as its question.
CREATE TABLE question (
    log      text COLLATE "C",
    stream   uuid,
    position bigint,
    PRIMARY KEY (log, stream, position)
);
CREATE INDEX question_position ON question (log, position);

-- Entries into force, and the signatures that each names.
CREATE TABLE entry (
    log           text COLLATE "C",
    stream        uuid,
    position      bigint,
    digest        text,
    in_force_from date,
    signatures    integer,            -- how many it names
    paper_date    date,
    paper_number  text,
    PRIMARY KEY (log, stream, position)
);

CREATE TABLE named (
    log             text COLLATE "C",
    stream          uuid,
    position        bigint,           -- of the entry into force
    bureau          text COLLATE "C",
    answer_log      text COLLATE "C",
    answer_position bigint,
    PRIMARY KEY (log, stream, position, bureau)
);
CREATE INDEX named_bureau ON named (bureau);
CREATE INDEX named_answer ON named (answer_log, answer_position);

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

-- Answers, in the streams of those who were asked.
CREATE TABLE signature (
    log               text COLLATE "C",
    stream            uuid,
    position          bigint,
    time              text COLLATE "C",
    answer            text,           -- signed, declined, returned
    digest            text,           -- the text that was signed
    reason            text,
    note              text,           -- digest of the words beyond the reason
    paper_date        date,
    paper_number      text,
    question_log      text COLLATE "C",
    question_position bigint,
    PRIMARY KEY (log, stream, position)
);
CREATE INDEX signature_position ON signature (log, position);
CREATE INDEX signature_question ON signature (question_log, question_position);

-- Notice to leave, in the leaving party's stream.
CREATE TABLE notice (
    log      text COLLATE "C",
    stream   uuid,
    position bigint,
    day      date,
    reason   text,
    PRIMARY KEY (log, stream, position)
);
