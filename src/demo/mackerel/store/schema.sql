-- An owner is `host/<id>`, `service/<name>` or `role/<service>/<name>`.

CREATE TABLE IF NOT EXISTS host (
    seq INTEGER PRIMARY KEY,
    id TEXT NOT NULL UNIQUE,
    name TEXT NOT NULL,
    display_name TEXT,
    custom_identifier TEXT,
    memo TEXT NOT NULL,
    meta TEXT NOT NULL,
    interfaces TEXT NOT NULL,
    checks TEXT NOT NULL,
    status TEXT NOT NULL,
    size TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    retired_at INTEGER
);

-- Only living hosts are looked up by their identifier.
CREATE INDEX IF NOT EXISTS host_custom_identifier
    ON host (custom_identifier COLLATE NOCASE) WHERE retired_at IS NULL;

CREATE TABLE IF NOT EXISTS service (
    name TEXT PRIMARY KEY,
    memo TEXT NOT NULL
) WITHOUT ROWID;

CREATE TABLE IF NOT EXISTS role (
    service TEXT NOT NULL,
    name TEXT NOT NULL,
    memo TEXT NOT NULL,
    PRIMARY KEY (service, name)
) WITHOUT ROWID;

CREATE TABLE IF NOT EXISTS host_role (
    host TEXT NOT NULL,
    service TEXT NOT NULL,
    role TEXT NOT NULL,
    PRIMARY KEY (host, service, role)
) WITHOUT ROWID;

-- `posted_at` is when a point of the series was last recorded, not the time of that point.
-- AUTOINCREMENT keeps the number of a deleted series from being given to another.
CREATE TABLE IF NOT EXISTS series (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    owner TEXT NOT NULL,
    name TEXT NOT NULL,
    posted_at INTEGER NOT NULL,
    UNIQUE (owner, name)
);

-- `minute` is epoch seconds divided by 60: the resolution at which a later post overwrites.
CREATE TABLE IF NOT EXISTS point (
    series INTEGER NOT NULL,
    minute INTEGER NOT NULL,
    value REAL NOT NULL,
    PRIMARY KEY (series, minute)
) WITHOUT ROWID;

-- `alive_until` is null for a definition without a wildcard, which stays for ever.
CREATE TABLE IF NOT EXISTS graph_def (
    name TEXT PRIMARY KEY,
    display_name TEXT,
    unit TEXT NOT NULL,
    metrics TEXT NOT NULL,
    alive_until INTEGER
) WITHOUT ROWID;

CREATE TABLE IF NOT EXISTS metadata (
    owner TEXT NOT NULL,
    namespace TEXT NOT NULL,
    value TEXT NOT NULL,
    modified_at INTEGER NOT NULL,
    PRIMARY KEY (owner, namespace)
) WITHOUT ROWID;

-- The last number of which an id was made.
CREATE TABLE IF NOT EXISTS sequence (
    only INTEGER PRIMARY KEY CHECK (only = 1),
    last INTEGER NOT NULL
);
INSERT OR IGNORE INTO sequence (only, last) VALUES (1, 0);

-- A check of a host: declared with the host, or made by its first report, before which `occurred_at` is null.
-- `attempts` counts the reports in a row that were not OK.
CREATE TABLE IF NOT EXISTS check_monitor (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE,
    host TEXT NOT NULL,
    name TEXT NOT NULL,
    memo TEXT NOT NULL,
    status TEXT NOT NULL,
    message TEXT NOT NULL,
    occurred_at INTEGER,
    attempts INTEGER NOT NULL,
    UNIQUE (host, name)
);
