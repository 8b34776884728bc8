-- What auditors keep at this node. A report is the answer to a query, with everything that makes it come out
-- the same again.
CREATE SCHEMA auditor;

CREATE TABLE auditor.report (
    id         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name       text COLLATE "C" NOT NULL CONSTRAINT report_name UNIQUE,
    query      text NOT NULL,
    parameters text NOT NULL,                  -- canonical JSON, as the others below
    versions   text NOT NULL,                  -- of the query and of its read model
    vector     text NOT NULL,                  -- {log: position}, logs at 0 left out
    aside      text NOT NULL,                  -- what waited, was skipped or redacted
    answer     text NOT NULL,
    digest     text NOT NULL,                  -- SHA-256 over all of the above but the name, in hex
    locked     boolean NOT NULL,               -- cites witnessed positions only
    code       text NOT NULL,                  -- the version of this program
    made       timestamptz NOT NULL,
    made_by    text NOT NULL
);

-- Which streams a figure counts, so that an event leads to the figures that it touched.
CREATE TABLE auditor.counted (
    report bigint NOT NULL REFERENCES auditor.report ON DELETE CASCADE,
    figure text NOT NULL,
    log    text COLLATE "C" NOT NULL,
    stream uuid NOT NULL,
    PRIMARY KEY (report, figure, log, stream)
);
CREATE INDEX counted_stream ON auditor.counted (log, stream);

-- What verification found of each log, by this node's pages and its command line; the newest stay.
CREATE TABLE auditor.verification (
    id             bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    log            text COLLATE "C" NOT NULL,
    start          bigint NOT NULL,               -- positions start + 1 to upto were looked at
    upto           bigint NOT NULL,
    events         bigint NOT NULL,
    replayed       boolean NOT NULL,              -- payloads and histories too
    findings       integer NOT NULL,              -- none: all is well
    first_position bigint,
    first_kind     text,
    first_detail   text,
    code           text NOT NULL,                 -- the version of this program
    at             timestamptz NOT NULL
);
CREATE INDEX verification_log ON auditor.verification (log, id);
