"""What we show: read models folded from the ledger, and the machinery that folds them.

A read model is one module and one `.sql` of the same name; `activity.py` is the pattern to copy:

    on = Handlers()

    @on(ActivityHeld)                     # a base class works too: @on(loops.Asking)
    def show_held(record: Record[ActivityHeld], rows: Rows) -> None:
        rows.put("activity", record, stage="held", day=record.data.day)

    MODEL = ReadModel("activity", version=1, handlers=on)      # and one more line in models.py

Where its things ask other bureaus, `questions.py` brings the tables, handlers and queries of that.

Duties of the tables. Each has `log text COLLATE "C"` and `stream uuid` first in its primary key, then any
further key columns; every row belongs to the stream whose record wrote it. All other columns may be NULL,
because a row is written a few columns at a time. Names are unqualified: each model has a schema of its own.

Duties of the handlers. They only write, with `rows.put`, or with `rows.add`, which is quicker, where the key
holds the record's own position. They never read, and see no clock, no setting and no order of arrival: what
must be known of another stream is joined in the query, and overdue is computed there from `today`. They need
no thought for corrections and voidings: the machinery drops the stream's rows and folds its effective history
again. They need no thought for order either: within a stream records come in order, and after every record
of their basis.

Queries take a connection inside `with model.reading(conn, MODEL)`, and values of `today` as arguments.
"""
