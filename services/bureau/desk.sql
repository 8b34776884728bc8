-- The desk of a bureau: what waits for its own officers before it becomes a fact. Never leaves the node.
CREATE SCHEMA desk;

CREATE TABLE desk.draft (
    id        uuid PRIMARY KEY,
    log       text COLLATE "C" NOT NULL,
    context   text NOT NULL,
    command   text NOT NULL,
    body      text NOT NULL,                   -- the command, as JSON
    if_match  integer,
    state     text NOT NULL DEFAULT 'proposed'
              CHECK (state IN ('proposed', 'reviewed', 'returned', 'released', 'discarded')),
    proposer  text NOT NULL,                   -- officer id
    reviewer  text,
    decider   text,                            -- the leader, or the leader's delegate, who released or returned it
    reason    text,                            -- why it was returned, from the list of reasons
    due       date NOT NULL,
    proposed  timestamptz NOT NULL,
    decided   timestamptz,
    position  bigint                           -- where its first fact stands, once released
);
CREATE INDEX draft_waiting ON desk.draft (log, due) WHERE state IN ('proposed', 'reviewed', 'returned');

-- A leader lets another officer release in the leader's place for some days (委托).
CREATE TABLE desk.delegation (
    id       uuid PRIMARY KEY,
    log      text COLLATE "C" NOT NULL,
    leader   text NOT NULL,
    delegate text NOT NULL,
    first    date NOT NULL,
    last     date NOT NULL CHECK (last >= first),
    recorded timestamptz NOT NULL,
    ended    timestamptz                       -- taken back before its last day
);
