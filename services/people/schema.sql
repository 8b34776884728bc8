-- Attachments: ciphertext only. What opens it lies outside PostgreSQL, so neither a dump nor a backup tells anything.
CREATE SCHEMA people;

CREATE TABLE people.attachment (
    digest     text COLLATE "C" PRIMARY KEY CHECK (digest ~ '^[A-Za-z0-9+/]{43}=$'),  -- as in the event
    bureau     text COLLATE "C" NOT NULL,     -- whose it is
    own        boolean NOT NULL,              -- false: a copy fetched from the bureau's node, never served on
    mediatype  text NOT NULL,
    size       integer NOT NULL,              -- of the plain bytes
    entitled   text[] NOT NULL,               -- codes of bureaus that may read it beside its own, or {public}
    ciphertext bytea,                         -- 12 bytes of nonce, then AES-256-GCM; NULL when erased
    stored     timestamptz NOT NULL DEFAULT clock_timestamp(),
    cited      timestamptz,                   -- since when a draft or a record names it; NULL: nothing ever did
    erased     timestamptz,
    reason     text,                          -- code of events.values.Reason
    CHECK ((erased IS NULL) = (ciphertext IS NOT NULL)),
    CHECK ((erased IS NULL) = (reason IS NULL))
);
CREATE INDEX attachment_uncited ON people.attachment (stored) WHERE own AND cited IS NULL;
ALTER TABLE people.attachment ALTER COLUMN ciphertext SET STORAGE EXTERNAL;  -- it does not compress
