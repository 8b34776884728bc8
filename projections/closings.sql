-- Logs that were closed in favour of another bureau's: from then on that bureau is asked in their place.
CREATE TABLE closing (
    log       text COLLATE "C",
    stream    uuid,
    bureau    text COLLATE "C",
    successor text COLLATE "C",
    PRIMARY KEY (log, stream)
);

-- Who stands for a bureau at last, when its successor was closed in turn too.
CREATE VIEW gone AS WITH RECURSIVE chain (bureau, successor, steps) AS (
    SELECT bureau, successor, 1 FROM closing
    UNION SELECT c.bureau, n.successor, c.steps + 1 FROM chain c JOIN closing n ON n.bureau = c.successor
        WHERE c.steps < 20
) SELECT DISTINCT ON (bureau) bureau, successor FROM chain ORDER BY bureau, steps DESC, successor;

