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

-- `posted_at` is when a point of the series was last recorded, not the time of that point;
-- `newest` is the newest minute that has one. AUTOINCREMENT keeps the number of a deleted series from
-- being given to another.
CREATE TABLE IF NOT EXISTS series (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    owner TEXT NOT NULL,
    name TEXT NOT NULL,
    posted_at INTEGER NOT NULL,
    newest INTEGER NOT NULL,
    UNIQUE (owner, name)
);

-- The points of one series in one hour, packed (`block.rs`); `hour` is epoch seconds divided by 3,600.
-- The hour leads the key, so that what is written in an hour lies together, and what is too old goes
-- as one range from the table's beginning. See docs/local-mackerel.md for what was measured.
CREATE TABLE IF NOT EXISTS block (
    hour INTEGER NOT NULL,
    series INTEGER NOT NULL,
    points BLOB NOT NULL,
    PRIMARY KEY (hour, series)
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

-- `revision` counts the changes. A log of an alert names its monitor only while that has not changed.
CREATE TABLE IF NOT EXISTS monitor (
    id TEXT PRIMARY KEY,
    type TEXT NOT NULL,
    name TEXT NOT NULL,
    body TEXT NOT NULL,
    revision INTEGER NOT NULL
) WITHOUT ROWID;

-- What is known of a monitor and one of its targets: the id of a host, or nothing for a service.
CREATE TABLE IF NOT EXISTS standing (
    monitor TEXT NOT NULL,
    target TEXT NOT NULL,
    attempts INTEGER NOT NULL,
    level TEXT NOT NULL,
    dismissed INTEGER NOT NULL,
    PRIMARY KEY (monitor, target)
) WITHOUT ROWID;

CREATE TABLE IF NOT EXISTS alert (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE,
    monitor TEXT NOT NULL,
    type TEXT NOT NULL,
    target TEXT NOT NULL,
    status TEXT NOT NULL,
    value REAL,
    message TEXT,
    reason TEXT,
    memo TEXT,
    opened_at INTEGER NOT NULL,
    closed_at INTEGER
);

-- At most one alert of a monitor and target is open.
CREATE UNIQUE INDEX IF NOT EXISTS alert_open ON alert (monitor, target) WHERE closed_at IS NULL;

CREATE TABLE IF NOT EXISTS alert_log (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE,
    alert TEXT NOT NULL,
    status TEXT NOT NULL,
    reason TEXT NOT NULL,
    monitor TEXT NOT NULL,
    revision INTEGER NOT NULL,
    value REAL,
    message TEXT,
    created_at INTEGER NOT NULL
);

CREATE INDEX IF NOT EXISTS alert_log_alert ON alert_log (alert, seq);

-- `roles` is a JSON array of names, or null for an annotation of the service as a whole.
CREATE TABLE IF NOT EXISTS annotation (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE,
    title TEXT NOT NULL,
    description TEXT,
    begins INTEGER NOT NULL,
    ends INTEGER NOT NULL,
    service TEXT NOT NULL,
    roles TEXT
);

CREATE TABLE IF NOT EXISTS dashboard (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE,
    title TEXT NOT NULL,
    memo TEXT NOT NULL,
    url_path TEXT NOT NULL UNIQUE,
    widgets TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL
);
