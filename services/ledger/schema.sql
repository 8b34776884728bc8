-- The ledger: own and received logs, byte for byte, with what proves them.
CREATE SCHEMA ledger;

CREATE TABLE ledger.log (
    log   text COLLATE "C" PRIMARY KEY,
    own   boolean NOT NULL,
    head  bigint NOT NULL DEFAULT 0,          -- the last position stored; moved under this row's lock only
    time  text COLLATE "C" NOT NULL DEFAULT '0000-01-01T00:00:00.000000Z',  -- of that entry
    state text NOT NULL DEFAULT 'open' CHECK (state IN ('open', 'closed', 'stopped'))
    -- closed: by its own last record or the alliance document; stopped: a breach was found
);

-- No foreign key on log: every writer holds its row's lock, and the key would cost a third of receiving.
CREATE TABLE ledger.entry (
    log      text COLLATE "C" NOT NULL,
    position bigint NOT NULL CHECK (position > 0),
    own      boolean NOT NULL,
    stream   uuid,                            -- NULL where the value is no readable envelope
    version  integer,
    leaf     bytea NOT NULL,                  -- RFC 6962 leaf hash of value
    value    bytea NOT NULL,                  -- the frozen bytes; none once it was redacted
    PRIMARY KEY (log, position)
);
CREATE UNIQUE INDEX entry_stream ON ledger.entry (log, stream, version) WHERE own;
CREATE INDEX entry_subject ON ledger.entry (log, stream) WHERE NOT own;

-- Roots of full subtrees of 256^level leaves: what tlog-tiles calls the hashes of tiles at that level.
CREATE TABLE ledger.node (
    log   text COLLATE "C" NOT NULL REFERENCES ledger.log,
    level smallint NOT NULL CHECK (level > 0),
    index bigint NOT NULL,
    hash  bytea NOT NULL,
    PRIMARY KEY (log, level, index)
);

CREATE TABLE ledger.checkpoint (
    log    text COLLATE "C" NOT NULL REFERENCES ledger.log,
    size   bigint NOT NULL,
    root   bytea NOT NULL,
    note   text NOT NULL,                     -- the signed note, as it travels
    stored timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (log, size)
);

-- Logs that the alliance document closes because they cannot sign: up to where they count, and who goes on.
CREATE TABLE ledger.closed (
    log        text COLLATE "C" PRIMARY KEY REFERENCES ledger.log,
    size       bigint NOT NULL,
    root       bytea NOT NULL,
    succession jsonb NOT NULL
);

-- Records whose bytes were removed by decision; `decision` is the position of the record in their log that says so.
CREATE TABLE ledger.redacted (
    log      text COLLATE "C" NOT NULL,
    position bigint NOT NULL,
    decision bigint NOT NULL,
    attachments text[] NOT NULL DEFAULT '{}',  -- digests that the bytes named, until these are erased here too
    PRIMARY KEY (log, position)
);

-- What nodes cosigned, this one among them: the newest, and those that are not witnessed yet.
CREATE TABLE ledger.receipt (
    log     text COLLATE "C" NOT NULL REFERENCES ledger.log,
    node    text COLLATE "C" NOT NULL,
    size    bigint NOT NULL,
    root    bytea NOT NULL,
    time    bigint NOT NULL,                  -- of the cosignature, seconds since 1970
    note    text NOT NULL,                    -- the checkpoint with the log's and the node's signature
    held    boolean NOT NULL,                 -- false: ahead of what is stored here, not compared yet
    sent    boolean NOT NULL DEFAULT true,    -- false: this node's own, not known to stand on its topic
    PRIMARY KEY (log, node, size)
);

-- The largest size that this node cosigned, per log: it never cosigns a smaller one, nor another root.
CREATE TABLE ledger.cosigned (
    log  text COLLATE "C" PRIMARY KEY REFERENCES ledger.log,
    size bigint NOT NULL,
    root bytea NOT NULL,
    time bigint NOT NULL
);

-- One row a command that was answered; the same id gives the first answer again.
CREATE TABLE ledger.command (
    log      text COLLATE "C" NOT NULL,
    command  text COLLATE "C" NOT NULL,
    digest   bytea NOT NULL,                  -- of the request, so that another body is noticed
    position bigint NOT NULL,                 -- of the command's first event; 0: answered, nothing recorded
    count    integer NOT NULL,
    CONSTRAINT command_once PRIMARY KEY (log, command)
);

-- What may be held once only, e.g. an expert's half-day, and the natural key of a stream.
CREATE TABLE ledger.claim (
    log    text COLLATE "C" NOT NULL,
    kind   text NOT NULL,
    key    text COLLATE "C" NOT NULL,
    stream uuid NOT NULL,
    CONSTRAINT claim_once PRIMARY KEY (log, kind, key)
);
CREATE INDEX claim_stream ON ledger.claim (stream);

-- Own streams of which records came back after a restore, and whose claims did not yet.
CREATE TABLE ledger.reclaim (
    log    text COLLATE "C" NOT NULL,
    stream uuid NOT NULL,
    PRIMARY KEY (log, stream)
);

-- A log that broke its promise: the evidence, kept for ever.
CREATE TABLE ledger.breach (
    log      text COLLATE "C" NOT NULL,
    position bigint NOT NULL,
    kind     text NOT NULL,
    detail   text NOT NULL,
    evidence bytea[] NOT NULL,
    found    timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (log, position, kind)
);

-- Append events to an own log. One call is one command, or many in a bulk import.
-- The head row's lock is held until commit, so positions have no gap and are seen in order.
-- Refuses by constraint: entry_stream (stale), command_once (repeated), claim_once (taken); by SQLSTATE:
-- YQ001 the log is not open for writing here, YQ002 what was only read has moved (stale),
-- YQ003 a time would not fill its place in the prepared bytes.
-- `p_closes`: the last of the values closes the log, and says that so many stand before it.
CREATE FUNCTION ledger.append(
    p_log text,
    p_values bytea[], p_times text[], p_streams uuid[], p_versions integer[],
    p_commands text[], p_digests bytea[], p_counts integer[],
    p_expect_streams uuid[], p_expect_versions integer[],
    p_claim_kinds text[], p_claim_keys text[], p_claim_streams uuid[],
    p_release_kinds text[], p_release_keys text[], p_closes bigint
) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
    before ledger.log;
    n integer := cardinality(p_values);
BEGIN
    SELECT * INTO before FROM ledger.log WHERE log = p_log AND own AND state = 'open' FOR NO KEY UPDATE;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'log % is not open for writing here', p_log USING ERRCODE = 'YQ001';
    END IF;
    IF EXISTS (SELECT FROM unnest(p_times) AS t WHERE octet_length(t) IS DISTINCT FROM 27) THEN
        RAISE EXCEPTION 'a time has not 27 characters' USING ERRCODE = 'YQ003';
    END IF;
    IF p_closes <> before.head + n - 1 THEN
        RAISE EXCEPTION 'the log that is to be closed has moved' USING ERRCODE = 'YQ002';
    END IF;
    IF cardinality(p_expect_streams) > 0 AND EXISTS (
        SELECT FROM unnest(p_expect_streams, p_expect_versions) AS x (stream, version)
        WHERE x.version <> coalesce(
            (SELECT max(e.version) FROM ledger.entry e WHERE e.log = p_log AND e.stream = x.stream AND e.own), 0)
    ) THEN
        RAISE EXCEPTION 'a stream that was read has moved' USING ERRCODE = 'YQ002';
    END IF;
    IF EXISTS (  -- restored events stand for their commands under their own ids; looked up by index, whatever
        -- the planner believes of the table's size
        SELECT FROM ledger.command c WHERE c.log = p_log AND c.command = ANY (ARRAY(
            SELECT convert_from(substring(v.value FROM 99 FOR 36), 'UTF8') FROM unnest(p_values) AS v (value)))
    ) THEN
        RAISE EXCEPTION 'a command was answered before this log was restored'
            USING ERRCODE = 'unique_violation', CONSTRAINT = 'command_once';
    END IF;
    INSERT INTO ledger.command (log, command, digest, position, count)
    SELECT p_log, c.command, c.digest, before.head + 1 + sum(c.count) OVER (ORDER BY c.n) - c.count, c.count
    FROM unnest(p_commands, p_digests, p_counts) WITH ORDINALITY AS c (command, digest, count, n);
    IF cardinality(p_release_kinds) > 0 THEN
        DELETE FROM ledger.claim USING unnest(p_release_kinds, p_release_keys) AS r (kind, key)
        WHERE claim.log = p_log AND claim.kind = r.kind AND claim.key = r.key;
    END IF;
    IF cardinality(p_claim_kinds) > 0 THEN
        INSERT INTO ledger.claim (log, kind, key, stream)
        SELECT p_log, c.kind, c.key, c.stream
        FROM unnest(p_claim_kinds, p_claim_keys, p_claim_streams) AS c (kind, key, stream);
    END IF;
    INSERT INTO ledger.entry (log, position, own, stream, version, leaf, value)
    SELECT p_log, s.position, true, s.stream, s.version, sha256('\x00'::bytea || s.value), s.value
    FROM (
        SELECT before.head + e.n AS position, e.stream, e.version, overlay(overlay(e.value
            PLACING convert_to(lpad((before.head + e.n)::text, 20, '0'), 'UTF8') FROM 34)
            PLACING convert_to(greatest(before.time, max(e.time COLLATE "C") OVER (ORDER BY e.n)), 'UTF8') FROM 64) AS value
        FROM unnest(p_values, p_times, p_streams, p_versions) WITH ORDINALITY AS e (value, time, stream, version, n)
    ) AS s;
    UPDATE ledger.log SET head = before.head + n, state = CASE WHEN p_closes IS NULL THEN state ELSE 'closed' END,
        time = greatest(before.time, (SELECT max(t COLLATE "C") FROM unnest(p_times) AS t))
    WHERE log = p_log;
    RETURN before.head + 1;
END $$;
