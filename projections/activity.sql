-- Activities as their planners tell them, and the answers of bureaus asked to co-host.
CREATE TABLE activity (
    log        text COLLATE "C",
    stream     uuid,
    stage      text,                 -- planned, published, cancelled, held, reported
    title      text,
    form       text,
    theme      text,
    starts     date,
    ends       date,
    division   text,
    place      text,
    quota      integer,
    insured    boolean,
    outside    text[],
    fen        bigint,
    report_due date,
    signed_up  integer,              -- the planner's own members
    day        date,                 -- when it was held
    persons    integer,
    hours      integer,
    reported   date,
    reason     text,                 -- why it was cancelled
    PRIMARY KEY (log, stream)
);
CREATE INDEX activity_day ON activity (day);

-- Whom the planner asked to co-host, and until when.
CREATE TABLE invited (
    log       text COLLATE "C",
    stream    uuid,
    bureau    text COLLATE "C",
    due       date,
    passed_to text,
    PRIMARY KEY (log, stream, bureau)
);

-- The records that an answer can name as its question.
CREATE TABLE question (
    log      text COLLATE "C",
    stream   uuid,
    position bigint,
    PRIMARY KEY (log, stream, position)
);
CREATE INDEX question_position ON question (log, position);

-- The answers that the record of holding names.
CREATE TABLE counted (
    log             text COLLATE "C",
    stream          uuid,
    answer_log      text COLLATE "C",
    answer_position bigint,
    PRIMARY KEY (log, stream, answer_log, answer_position)
);

-- Answers, in the streams of those who were asked.
CREATE TABLE cohost (
    log               text COLLATE "C",
    stream            uuid,
    position          bigint,
    answer            text,          -- confirmed, declined, returned
    question_log      text COLLATE "C",
    question_position bigint,
    persons           integer,
    reason            text,
    PRIMARY KEY (log, stream, position)
);
CREATE INDEX cohost_position ON cohost (log, position);
CREATE INDEX cohost_question ON cohost (question_log, question_position);

-- Members of a co-host who signed up, as that bureau states it.
CREATE TABLE cohost_sign_up (
    log     text COLLATE "C",
    stream  uuid,
    persons integer,
    PRIMARY KEY (log, stream)
);
