-- Questions between bureaus: tables of every read model whose things ask. The thing's own table, which stands
-- in the model's own file, has the columns `asked` (position of the record that asks now) and `closed` (of the
-- one after which nobody is asked any more).

-- Whom a thing asks, and until when; what it asked before its record `asked` is past.
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

-- The answers that a record of settling names.
CREATE TABLE named (
    log             text COLLATE "C",
    stream          uuid,
    position        bigint,           -- of the record of settling
    answer_log      text COLLATE "C",
    answer_position bigint,
    PRIMARY KEY (log, stream, position, answer_log, answer_position)
);

-- Answers, in the streams of those who were asked; a model adds columns of its own.
CREATE TABLE answer (
    log               text COLLATE "C",
    stream            uuid,
    position          bigint,
    origin_log        text COLLATE "C",  -- by which it is named; its bureau said it
    origin_position   bigint,
    time              text COLLATE "C",
    answer            text,           -- declined, returned, or the model's words for yes
    reason            text,
    question_log      text COLLATE "C",
    question_position bigint,
    PRIMARY KEY (log, stream, position)
);
CREATE INDEX answer_question ON answer (question_log, question_position);

