-- Where the exchange stands: hints only. Losing all of this costs reading the topics again, never a record.
CREATE SCHEMA exchange;

CREATE TABLE exchange.hint (
    log      text COLLATE "C" PRIMARY KEY,
    identity text NOT NULL,              -- of the cluster and the topic: elsewhere the offset means nothing
    next     bigint NOT NULL,            -- the offset to go on from
    whole    bigint NOT NULL DEFAULT 0,  -- own logs: the topic holds all up to this position below that offset
    clean    bigint NOT NULL DEFAULT 0,  -- own logs: the topic never held what was redacted first, so many records
    moved    timestamptz NOT NULL DEFAULT clock_timestamp()
);

CREATE TABLE exchange.received (
    log  text COLLATE "C" PRIMARY KEY,
    last timestamptz NOT NULL DEFAULT clock_timestamp()  -- when something was stored that was new
);

-- Records and notes that were dropped, by what was wrong with them.
CREATE TABLE exchange.damage (
    log   text COLLATE "C" NOT NULL,
    kind  text NOT NULL,
    count bigint NOT NULL,
    last  timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (log, kind)
);
