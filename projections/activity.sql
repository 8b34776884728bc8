-- Activities as their planners tell them.
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
    asked      bigint,
    closed     bigint,
    PRIMARY KEY (log, stream)
);
CREATE INDEX activity_day ON activity (day);

ALTER TABLE answer ADD COLUMN persons integer;  -- whom a co-host brings
CREATE INDEX answer_origin ON answer (origin_log, origin_position);

-- Members of a co-host who signed up, as that bureau states it.
CREATE TABLE cohost_sign_up (
    log     text COLLATE "C",
    stream  uuid,
    persons integer,
    PRIMARY KEY (log, stream)
);
