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
    asked           bigint,
    closed          bigint,
    percent         integer,             -- of a task that its setter owns
    done            date,
    reason          text,                -- why it was dropped
    PRIMARY KEY (log, stream)
);
CREATE INDEX task_due ON task (due);
CREATE INDEX task_owner ON task (owner);

-- How far an owner has come, in its own stream.
CREATE TABLE undertaking (
    log     text COLLATE "C",
    stream  uuid,
    percent integer,
    PRIMARY KEY (log, stream)
);

ALTER TABLE answer ADD COLUMN day date;   -- when it was done

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
