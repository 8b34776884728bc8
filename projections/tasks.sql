-- Tasks as their setters tell them, undertakings as their owners do, and projects.
CREATE TABLE task (
    log             text COLLATE "C",
    stream          uuid,
    stage           text,                -- set, done, dropped
    title           text,
    owner           text COLLATE "C",
    due             date,
    source_log      text COLLATE "C",    -- the meeting or memorandum it comes from
    source_position bigint,
    asked           bigint,              -- position of the record that asked the owner last
    answer_by       date,
    closed          bigint,              -- position of the record that settled or dropped it
    percent         integer,             -- of a task that its setter owns
    done            date,
    reason          text,                -- why it was dropped
    PRIMARY KEY (log, stream)
);
CREATE INDEX task_due ON task (due);
CREATE INDEX task_owner ON task (owner);

-- The records that an answer can name as its question.
CREATE TABLE question (
    log      text COLLATE "C",
    stream   uuid,
    position bigint,
    PRIMARY KEY (log, stream, position)
);
CREATE INDEX question_position ON question (log, position);

-- The owner's report that the setter's record names.
CREATE TABLE named (
    log             text COLLATE "C",
    stream          uuid,
    answer_log      text COLLATE "C",
    answer_position bigint,
    PRIMARY KEY (log, stream, answer_log, answer_position)
);

-- How far an owner has come, in its own stream.
CREATE TABLE undertaking (
    log     text COLLATE "C",
    stream  uuid,
    percent integer,
    PRIMARY KEY (log, stream)
);

CREATE TABLE answer (
    log               text COLLATE "C",
    stream            uuid,
    position          bigint,
    answer            text,              -- accepted, declined, returned, done
    day               date,              -- when it was done
    reason            text,
    question_log      text COLLATE "C",
    question_position bigint,
    PRIMARY KEY (log, stream, position)
);
CREATE INDEX answer_question ON answer (question_log, question_position);

CREATE TABLE project (
    log      text COLLATE "C",
    stream   uuid,
    stage    text,                       -- running, ended
    title    text,
    field    text,
    day      date,                       -- when it was introduced
    partners text[] COLLATE "C",
    outside  text[],
    division text,
    place    text,
    fen      bigint,
    percent  integer,
    ended    date,
    outcome  text,                       -- completed, stopped
    PRIMARY KEY (log, stream)
);
CREATE INDEX project_day ON project (day);
