-- What the server processes keep for the lab's page. It is not a record of anything: it may be deleted at any time.

-- A sample of each half second. Older ones are thinned out to one a second.
CREATE TABLE IF NOT EXISTS samples (
    half_second INTEGER PRIMARY KEY,
    document BLOB NOT NULL
);

CREATE TABLE IF NOT EXISTS marks (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    at REAL NOT NULL,
    document BLOB NOT NULL
);

-- `heard_at` is when its last mark came, by this machine's clock.
CREATE TABLE IF NOT EXISTS runs (
    run TEXT PRIMARY KEY,
    started_at REAL NOT NULL,
    heard_at REAL NOT NULL,
    ended INTEGER NOT NULL,
    document BLOB NOT NULL
);
