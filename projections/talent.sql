-- The talent pool as counts: every statement, the newest of a field and tier counts.
CREATE TABLE strength (
    log     text COLLATE "C",
    stream  uuid,
    tier    text COLLATE "C",         -- think-tank, pool
    field   text COLLATE "C",
    day     date,
    persons integer,
    opening boolean,                  -- from before the platform, not evidenced
    PRIMARY KEY (log, stream, tier, field, day)
);

-- Experts who agreed to be shared.
CREATE TABLE expert (
    log             text COLLATE "C",
    stream          uuid,
    position        bigint,           -- of the sharing record, by which dispatches name the expert
    origin_log      text COLLATE "C",  -- by which other records name it
    origin_position bigint,
    stage           text,             -- shared, withdrawn
    speciality      text,
    fields          text[],
    tier            text,
    needs_clearance boolean,
    cleared         boolean,
    cleared_until   date,
    reason          text,             -- why it is no longer shared
    PRIMARY KEY (log, stream)
);
CREATE INDEX expert_origin ON expert (origin_log, origin_position);

-- How hosts rated, as counts of a period.
CREATE TABLE satisfaction (
    log          text COLLATE "C",
    stream       uuid,
    position     bigint,
    starts       date,
    ends         date,
    satisfied    integer,
    fair         integer,
    dissatisfied integer,
    PRIMARY KEY (log, stream, position)
);

-- What hosts look for.
CREATE TABLE need (
    log      text COLLATE "C",
    stream   uuid,
    position bigint,                  -- of the publishing record, by which offers name the need
    origin_log      text COLLATE "C",  -- by which other records name it
    origin_position bigint,
    stage    text,                    -- published, closed
    field    text,
    title    text,
    persons  integer,
    days     integer,
    starts   date,
    ends     date,
    division text,
    place    text,
    turned_to text[] COLLATE "C",     -- the bureaus it turns to; none: all its partners
    reply_by date,
    reason   text,                    -- why it was closed
    PRIMARY KEY (log, stream)
);
CREATE INDEX need_origin ON need (origin_log, origin_position);

-- Dispatches, in the home's streams.
CREATE TABLE dispatch (
    log              text COLLATE "C",
    stream           uuid,
    stage            text,            -- offered, approved, confirmed, started, ended-early, completed, withdrawn,
                                      -- expired
    host             text COLLATE "C",
    outside          text COLLATE "C",  -- an outside host's name
    outside_division text COLLATE "C",
    field            text,
    purpose          text,
    expert_log       text COLLATE "C",
    expert_position  bigint,
    days             integer,
    starts           date,
    ends             date,
    need_log         text COLLATE "C",
    need_position    bigint,
    batch            uuid,
    asked            bigint,
    closed           bigint,
    started          date,
    ended            date,
    reason           text,            -- why it ended early, was withdrawn or expired
    PRIMARY KEY (log, stream)
);
CREATE INDEX dispatch_starts ON dispatch (starts);
CREATE INDEX dispatch_need ON dispatch (need_log, need_position);

-- Service days that the home logged.
CREATE TABLE served (
    log      text COLLATE "C",
    stream   uuid,
    position bigint,
    origin_log      text COLLATE "C",  -- by which other records name it
    origin_position bigint,
    day      date,
    half     text,                    -- am, pm, full
    halves   integer,                 -- half-days: 1 or 2
    PRIMARY KEY (log, stream, position)
);
CREATE INDEX served_origin ON served (origin_log, origin_position);
CREATE INDEX served_day ON served (day);

-- What the host says of each service day.
CREATE TABLE seen (
    log          text COLLATE "C",
    stream       uuid,
    day_log      text COLLATE "C",
    day_position bigint,
    word         text,                -- confirmed, questioned
    reason       text,
    PRIMARY KEY (log, stream, day_log, day_position)
);
CREATE INDEX seen_day ON seen (day_log, day_position);

-- That the host rated; the mark is an attachment for the two bureaus, here is its digest.
CREATE TABLE rating (
    log    text COLLATE "C",
    stream uuid,
    mark   text,
    PRIMARY KEY (log, stream)
);
