-- Meetings as their callers tell them, and the answers of bureaus that were asked to come.
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
    asked           bigint,              -- position of the record that asked last
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

-- Whom the caller asked, and until when.
CREATE TABLE invited (
    log       text COLLATE "C",
    stream    uuid,
    bureau    text COLLATE "C",
    position  bigint,                    -- of the record that put the question to this bureau
    due       date,
    passed_to text COLLATE "C",
    PRIMARY KEY (log, stream, bureau)
);
CREATE INDEX invited_bureau ON invited (bureau);

-- The records that an answer can name as its question.
CREATE TABLE question (
    log      text COLLATE "C",
    stream   uuid,
    position bigint,
    PRIMARY KEY (log, stream, position)
);
CREATE INDEX question_position ON question (log, position);

-- The confirmations that the record of holding names.
CREATE TABLE counted (
    log             text COLLATE "C",
    stream          uuid,
    answer_log      text COLLATE "C",
    answer_position bigint,
    PRIMARY KEY (log, stream, answer_log, answer_position)
);

-- Answers, in the streams of those who were asked.
CREATE TABLE attendance (
    log               text COLLATE "C",
    stream            uuid,
    position          bigint,
    answer            text,              -- confirmed, declined, returned
    persons           integer,
    reason            text,
    question_log      text COLLATE "C",
    question_position bigint,
    PRIMARY KEY (log, stream, position)
);
CREATE INDEX attendance_question ON attendance (question_log, question_position);
