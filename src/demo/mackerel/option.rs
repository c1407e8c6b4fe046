//! What the caller chooses about a local Mackerel: its clock, its API keys, its organization,
//! and one switch for each behaviour that Mackerel's documentation leaves open.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};

/// A source of the present moment; the server never reads a clock of its own.
pub type Clock = Arc<dyn Fn() -> DateTime<Utc> + Send + Sync>;

/// Everything a local Mackerel is told when it is opened.
#[derive(Clone)]
pub struct Options {
    /// The present moment, asked once per request.
    pub clock: Clock,
    /// The API keys that are known; any other key is answered with 401.
    pub keys: Vec<ApiKey>,
    /// The organization's name, as `GET /api/v0/org` returns it.
    pub org_name: String,
    /// The organization's display name; `null` in the answer where absent.
    pub org_display_name: Option<String>,
    /// The status of a newly created host, which is a setting of the organization on Mackerel.
    pub initial_status: HostStatus,
    /// What creating or updating a host does when its custom identifier belongs to another host.
    pub duplicate_identifiers: DuplicateIdentifiers,
    /// What looking up a custom identifier does when no living host has it.
    pub unknown_identifiers: UnknownIdentifiers,
    /// What posting values does when a host is unknown or retired.
    pub unknown_hosts: UnknownHosts,
    /// Whether a metric of a graph definition may end in a wildcard that the graph's name lacks.
    pub trailing_wildcards: TrailingWildcards,
    /// How long the body of a request may take to arrive; as long as it likes where absent.
    pub patience: Option<Duration>,
    /// By which names the server is called.
    pub names: Names,
    /// For how long points are kept; for ever where absent.
    pub retention: Option<Duration>,
    /// What is remembered of requests, for [`super::LocalMackerel::requests`].
    pub recording: Recording,
    /// Whether each posted point is counted, for [`super::LocalMackerel::posts_of`].
    /// It costs memory for every minute of every series.
    pub journal: Journaling,
}

impl Options {
    /// Options with the given clock and keys, an organization called `local`,
    /// and the default of each switch.
    pub fn new(clock: Clock, keys: Vec<ApiKey>) -> Self {
        Self {
            clock,
            keys,
            org_name: "local".to_owned(),
            org_display_name: None,
            initial_status: HostStatus::Working,
            duplicate_identifiers: DuplicateIdentifiers::default(),
            unknown_identifiers: UnknownIdentifiers::default(),
            unknown_hosts: UnknownHosts::default(),
            trailing_wildcards: TrailingWildcards::default(),
            patience: None,
            names: Names::default(),
            retention: None,
            recording: Recording::default(),
            journal: Journaling::default(),
        }
    }
}

/// An API key of the organization and what it may do.
#[derive(Clone, PartialEq, Eq)]
pub struct ApiKey {
    /// The value of the `X-Api-Key` header.
    pub secret: String,
    /// What the key may do.
    pub permission: Permission,
}

impl ApiKey {
    /// A key with both permissions.
    pub fn read_write(secret: impl Into<String>) -> Self {
        Self {
            secret: secret.into(),
            permission: Permission::ReadWrite,
        }
    }

    /// A key that may only read.
    pub fn read_only(secret: impl Into<String>) -> Self {
        Self {
            secret: secret.into(),
            permission: Permission::Read,
        }
    }

    /// A key that may only write.
    pub fn write_only(secret: impl Into<String>) -> Self {
        Self {
            secret: secret.into(),
            permission: Permission::Write,
        }
    }
}

/// `KEY`, `KEY:read`, `KEY:write` or `KEY:read-write`; without a permission it has both.
impl FromStr for ApiKey {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (secret, permission) = text.split_once(':').unwrap_or((text, "read-write"));
        if secret.is_empty() || !secret.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err("a key must be of printable ASCII characters, without blanks".to_owned());
        }
        Ok(Self {
            secret: secret.to_owned(),
            permission: match permission {
                "read" => Permission::Read,
                "write" => Permission::Write,
                "read-write" => Permission::ReadWrite,
                _ => return Err("a permission is read, write or read-write".to_owned()),
            },
        })
    }
}

impl fmt::Debug for ApiKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ApiKey")
            .field("permission", &self.permission)
            .finish_non_exhaustive()
    }
}

/// The permissions of a key, and equally what a call needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Permission {
    /// Read alone.
    Read,
    /// Write alone; only replacing the roles of a host is content with it.
    Write,
    /// Both, which nearly every write call needs.
    ReadWrite,
}

impl Permission {
    /// Whether a key with this permission may make a call that needs `needed`.
    pub fn covers(self, needed: Permission) -> bool {
        self == Permission::ReadWrite || self == needed
    }
}

/// The four states of a host.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HostStatus {
    /// Monitored, with notifications.
    Working,
    /// Monitored, without notifications.
    Standby,
    /// Not monitored.
    Maintenance,
    /// Not monitored.
    Poweroff,
}

impl HostStatus {
    /// Each status.
    pub const ALL: [HostStatus; 4] = [
        Self::Working,
        Self::Standby,
        Self::Maintenance,
        Self::Poweroff,
    ];

    /// The word in Mackerel's JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Working => "working",
            Self::Standby => "standby",
            Self::Maintenance => "maintenance",
            Self::Poweroff => "poweroff",
        }
    }

    /// The status with this word, if it is one.
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|status| status.as_str() == word)
    }
}

/// A custom identifier is unique in the organization, but what the API answers to a second one is not documented.
/// The identifier of a retired host is free again in either case, which is an assumption as well.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum DuplicateIdentifiers {
    /// Answer 400 and change nothing. An assumption.
    #[default]
    Refuse,
    /// Let both hosts have it; a look-up finds the older one. An assumption.
    Accept,
}

/// What the API answers to a custom identifier that no living host has is not documented,
/// and two clients in use are ready for a host that is `null`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum UnknownIdentifiers {
    /// Answer 404. An assumption.
    #[default]
    NotFound,
    /// Answer 200 with `{"host":null}`. An assumption.
    NullHost,
}

/// What the API answers to values for an unknown or retired host is not documented.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum UnknownHosts {
    /// Answer 404, naming the host, and store nothing of the post. An assumption.
    #[default]
    Refuse,
    /// Answer 200, drop the values of that host and store the rest. An assumption.
    Ignore,
}

/// The API's documentation asks that a wildcard in a metric is in the graph's name as well,
/// yet one of Mackerel's own programs posts `custom.interface.x` with the metric `custom.interface.x.*`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum TrailingWildcards {
    /// Accept a metric whose last segment is a wildcard.
    #[default]
    Accept,
    /// Answer 400 to it, as the documentation reads.
    Refuse,
}

/// By which names the server is called.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Names {
    /// By any.
    #[default]
    Any,
    /// By `localhost` and by addresses, and else answer 403. A site on the web can let its own name lead to this machine
    /// and so read what is served here, unless the name is refused.
    Local,
}

/// What the server remembers of the requests that it received.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Recording {
    /// How often each call came; paths that are no call are left out.
    Counts,
    /// The newest requests as well, with their bodies. It costs memory, and each body is read twice.
    #[default]
    Requests,
}

/// Whether the server remembers how often each point was posted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Journaling {
    /// Nothing beyond the newest value of each minute is kept.
    #[default]
    Off,
    /// Each minute of each series has a count of posts and of changes.
    On,
}
