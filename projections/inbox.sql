-- Questions between bureaus: each stream writes what it says itself, and the queries put it together.

-- A stream that asks: since when, and whether the asker has closed the question.
CREATE TABLE loop (
    log        text COLLATE "C",
    stream     uuid,
    title      text,
    asked      bigint,                -- position of the record that asked last
    asked_type text,
    asked_time text COLLATE "C",
    closed     bigint,                -- position of the record that settled or ended it
    closed_at  text COLLATE "C",      -- and its time
    how        text,                  -- settled, ended
    PRIMARY KEY (log, stream)
);
CREATE INDEX loop_open ON loop (log, stream) WHERE closed IS NULL AND asked IS NOT NULL;

-- Whom it asks now, and until when.
CREATE TABLE ask (
    log       text COLLATE "C",
    stream    uuid,
    bureau    text COLLATE "C",
    position  bigint,                 -- of the record that put the question to this bureau
    role      text,
    due       date,
    extended  bigint,                 -- position of the record that gave more time
    passed_to text COLLATE "C",
    PRIMARY KEY (log, stream, bureau)
);
CREATE INDEX ask_bureau ON ask (bureau);

-- The records that an answer can name as its question.
CREATE TABLE question (
    log             text COLLATE "C",
    stream          uuid,
    position        bigint,
    origin_log      text COLLATE "C",  -- by which it is named, also when its stream goes on in another log
    origin_position bigint,
    PRIMARY KEY (log, stream, position)
);
CREATE INDEX question_origin ON question (origin_log, origin_position);

CREATE TABLE reminder (
    log      text COLLATE "C",
    stream   uuid,
    position bigint,
    bureau   text COLLATE "C",
    time     text COLLATE "C",
    PRIMARY KEY (log, stream, position)
);

-- Answers, in the streams of those who were asked.
CREATE TABLE answer (
    log               text COLLATE "C",
    stream            uuid,
    position          bigint,
    origin_log        text COLLATE "C",  -- by which it is named; its bureau said it
    origin_position   bigint,
    kind              text,           -- answered, declined, returned
    type              text,
    time              text COLLATE "C",
    question_log      text COLLATE "C",
    question_position bigint,
    PRIMARY KEY (log, stream, position)
);
CREATE INDEX answer_question ON answer (question_log, question_position);

-- The answers that the asker's record of settling names.
CREATE TABLE named (
    log             text COLLATE "C",
    stream          uuid,
    answer_log      text COLLATE "C",
    answer_position bigint,
    PRIMARY KEY (log, stream, answer_log, answer_position)
);
CREATE INDEX named_answer ON named (answer_log, answer_position);
