//! Every key of the configuration, a row each, in the order in which a person should read them: the
//! one place that knows what there is, with its bounds, its default and what it is for.

use std::time::Duration;

use super::key::{Absent, Form, Key, Kind, Span};

const MINUTE: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(3600);

/// Mackerel drops points that are older than this, so that reading further back is for nothing.
const DAY: Duration = Duration::from_secs(24 * 3600);

const fn span(low: Duration, high: Duration) -> Span {
    Span {
        low,
        high,
        whole_minutes: false,
    }
}

const fn minutes(low: Duration, high: Duration) -> Span {
    Span {
        low,
        high,
        whole_minutes: true,
    }
}

/// Bounds of `poll.interval` and of `cloudwatch.interval`.
pub const INTERVAL: Span = minutes(MINUTE, HOUR);
/// Bounds of `poll.settle` and of `poll.overlap`.
pub const REREAD: Span = span(Duration::ZERO, HOUR);
/// Bounds of `poll.lookback`.
pub const LOOKBACK: Span = span(MINUTE, DAY);
/// Bounds of `poll.grace`.
pub const GRACE: Span = span(Duration::from_secs(1), Duration::from_secs(600));
/// Bounds of `host.retire_after`.
pub const RETIRE_AFTER: Span = span(Duration::from_secs(600), Duration::from_secs(30 * 86_400));

/// Bounds of `reload`.
pub const RELOAD: Span = span(Duration::from_secs(10), DAY);

/// Host statuses that Mackerel knows.
pub const STATUSES: &[&str] = &["working", "standby", "maintenance", "poweroff"];

const SWITCH: &[&str] = &["off", "on"];
const PROFILES: &[&str] = &["compact", "standard", "full"];
const READERS: &[&str] = &["auto", "get_metric_statistics", "get_metric_data"];

// Regular expressions of both ECMA 262 and Python, for the JSON Schema; the reader is stricter where
// no expression can say it.
const API_KEY: &str = r"^\s*[!-~]+\s*$";
const API_BASE: &str = r"^[hH][tT][tT][pP][sS]?://[^@?\s]+$";
const NOT_BLANK: &str = r"\S";
const ROLE_ARN: &str = r"^arn:[^:]*:iam::[0-9]{12}:role/.+$";
const EXTERNAL_ID: &str = r"^[A-Za-z0-9+=,.@:/_-]{2,1224}$";
const SESSION_NAME: &str = r"^[A-Za-z0-9+=,.@_-]{2,64}$";
const REGIONS: &str = r"^all$|^[a-z0-9]*(?:-[a-z0-9]*)+-[a-z0-9]*[0-9]$";
const PATTERN: &str = r"^(?!.*\[[^\]]*$).+$";
const TEMPLATE: &str = r"^(?:[^{}]|\{\{|\}\}|\{(?:arn|cluster|region|account)\})*$";
const IDENTITY: &str =
    r"^(?=.*\{(?:arn|cluster)\})(?:[^{}]|\{\{|\}\}|\{(?:arn|cluster|region|account)\})*$";
const ROLE: &str = r"^\s*[A-Za-z0-9][A-Za-z0-9_-]{1,62}\s*:\s*[A-Za-z0-9][A-Za-z0-9_-]{1,62}\s*$";
const SERVICE: &str = r"^[A-Za-z0-9][A-Za-z0-9_-]{1,62}$";
const SHARD: &str = r"^(?:job|\s*[0-9]+\s*)/\s*[1-9][0-9]*\s*$";
const LISTEN: &str = r"^(?:[0-9.]+|\[[0-9a-fA-F:.%]+\]):[0-9]+$";

const WHATEVER: Absent = Absent::Means("whatever is on Mackerel stays");
const ALL: Absent = Absent::Means("all of them");
const AS_FOR_ALL: Absent = Absent::Means("as for all targets");
const NONE: Absent = Absent::Means("none");

const fn key(path: &'static str, kind: Kind, absent: Absent, doc: &'static str) -> Key {
    Key {
        path,
        kind,
        word: None,
        absent,
        doc,
        example: "",
        variable: None,
        flag: None,
    }
}

/// A section whose keys have defaults of their own.
const fn of_keys(path: &'static str, doc: &'static str) -> Key {
    key(path, Kind::Section, NONE, doc)
}

impl Key {
    const fn or(mut self, word: &'static str) -> Self {
        self.word = Some(word);
        self
    }

    const fn example(mut self, yaml: &'static str) -> Self {
        self.example = yaml;
        self
    }

    const fn variable(mut self, name: &'static str) -> Self {
        self.variable = Some(name);
        self
    }

    const fn flag(mut self, name: &'static str) -> Self {
        self.flag = Some(name);
        self
    }
}

use Absent::{Means, Value};
use Form::{Choice, Free, Number, Secret, Text};
use Kind::{Many, Named, One, Sections};

/// Every key.
#[rustfmt::skip]
pub static KEYS: &[Key] = &[
    of_keys("mackerel", "The organization on Mackerel."),
    key("mackerel.apikey", One(Secret(API_KEY)), Means("it must come from elsewhere"),
        "The API key of the organization, with read and write permission. Better kept out of files.")
        .example("your-api-key").variable("MACKEREL_APIKEY"),
    key("mackerel.apibase", One(Text(API_BASE)), Value("https://api.mackerelio.com"),
        "Where the API is; another one only for tests.")
        .variable("MACKEREL_APIBASE"),

    key("targets", Sections, Means("the account of the poller's own credentials, and the Region that the AWS environment names"),
        "The accounts and Regions to poll. Without targets it is one: the account of the poller's own \
         credentials and the Region that the AWS environment names."),
    key("targets[].name", One(Free(NOT_BLANK)), Means("the account's number where a role is assumed, else `default`"),
        "The name in logs and reports; the account's number where a role is assumed, else `default`.")
        .example("shop"),
    key("targets[].role_arn", One(Text(ROLE_ARN)), Means("the poller's own credentials"),
        "The role to assume in that account, if it may only be read with a role of its own.")
        .example("arn:aws:iam::111122223333:role/mackerel-ecs"),
    key("targets[].external_id", One(Free(EXTERNAL_ID)), NONE,
        "The external id that the role's trust policy asks for, if it does.")
        .example("abc123"),
    key("targets[].session_name", One(Free(SESSION_NAME)), Means("mackerel-ecs"),
        "The session's name as CloudTrail shows it; mackerel-ecs unless given.")
        .example("mackerel-ecs"),
    key("targets[].regions", Many(Text(REGIONS)), Means("the one that the AWS environment names"),
        "The Regions, or `all` that are enabled in the account, which asks for the permission \
         ec2:DescribeRegions; the one that the AWS environment names unless given.")
        .example("[ap-northeast-1, us-east-1]"),
    of_keys("targets[].clusters",
        "What is to be otherwise here than the section of this name says for all targets, key by key. \
         Variables and flags count for all targets."),
    key("targets[].clusters.include", Many(Free(PATTERN)), AS_FOR_ALL, "Names to take.")
        .example(r#"["*"]"#),
    key("targets[].clusters.exclude", Many(Free(PATTERN)), AS_FOR_ALL,
        "Names to leave out, also of those that `include` takes.")
        .example(r#"["*-test"]"#),
    key("targets[].clusters.tags", Named(Free(PATTERN)), AS_FOR_ALL,
        "Tags that a cluster must have, all of them, each with a pattern for its value, or several.")
        .example("{environment: [production, staging]}"),
    key("targets[].clusters.exclude_tags", Named(Free(PATTERN)), AS_FOR_ALL, "Tags of which a cluster must have none.")
        .example(r#"{monitoring: "off"}"#),
    of_keys("targets[].services", "Likewise."),
    key("targets[].services.include", Many(Free(PATTERN)), AS_FOR_ALL, "Names to take.")
        .example(r#"["*"]"#),
    key("targets[].services.exclude", Many(Free(PATTERN)), AS_FOR_ALL,
        "Names to leave out, also of those that `include` takes.")
        .example(r#"["*-canary"]"#),
    key("targets[].services.tags", Named(Free(PATTERN)), AS_FOR_ALL,
        "Tags that a service must have. They make each DescribeServices ask for more, so choose by \
         name where that will do.")
        .example(r#"{team: "*"}"#),
    key("targets[].services.exclude_tags", Named(Free(PATTERN)), AS_FOR_ALL, "Tags of which a service must have none.")
        .example(r#"{monitoring: "off"}"#),
    of_keys("targets[].metrics", "Likewise."),
    key("targets[].metrics.profile", One(Choice(PROFILES)), AS_FOR_ALL,
        "What is posted of each service: compact (4 metrics), standard or full. What is not posted is \
         not asked of CloudWatch either, so this is most of the bill, and of the size of the host on \
         Mackerel.")
        .example("compact"),
    key("targets[].metrics.container_insights", One(Choice(SWITCH)), AS_FOR_ALL,
        "Whether metrics of Container Insights are posted too, of clusters that have it on.")
        .example("on"),
    key("targets[].metrics.include", Many(Free(PATTERN)), AS_FOR_ALL,
        "Metrics to add to the profile, by their name on Mackerel, with or without `custom.`.")
        .example(r#"["ecs.deployment.*.count"]"#),
    key("targets[].metrics.exclude", Many(Free(PATTERN)), AS_FOR_ALL,
        "Metrics to leave out of it, also of those that were added.")
        .example(r#"["*.minimum", "*.maximum"]"#),
    key("targets[].roles", Many(Text(ROLE)), Means("as host.roles says"),
        "Instead of host.roles.")
        .example(r#"["shop:cluster"]"#),

    of_keys("clusters",
        "Which clusters are polled: all of them unless this says otherwise. Patterns are as in a \
         shell: `web-*`, `db?`, `{a,b}`."),
    key("clusters.include", Many(Free(PATTERN)), ALL, "Names to take.")
        .example(r#"["*"]"#).variable("MACKEREL_ECS_CLUSTERS").flag("--cluster"),
    key("clusters.exclude", Many(Free(PATTERN)), NONE,
        "Names to leave out, also of those that `include` takes.")
        .example(r#"["*-test"]"#),
    key("clusters.tags", Named(Free(PATTERN)), NONE,
        "Tags that a cluster must have, all of them, each with a pattern for its value, or several.")
        .example("{environment: [production, staging]}"),
    key("clusters.exclude_tags", Named(Free(PATTERN)), NONE, "Tags of which a cluster must have none.")
        .example(r#"{monitoring: "off"}"#),

    of_keys("services",
        "Which services of these clusters: the same keys, and all of them unless given."),
    key("services.include", Many(Free(PATTERN)), ALL, "Names to take.")
        .example(r#"["*"]"#),
    key("services.exclude", Many(Free(PATTERN)), NONE,
        "Names to leave out, also of those that `include` takes.")
        .example(r#"["*-canary"]"#),
    key("services.tags", Named(Free(PATTERN)), NONE,
        "Tags that a service must have. They make each DescribeServices ask for more, so choose by \
         name where that will do.")
        .example(r#"{team: "*"}"#),
    key("services.exclude_tags", Named(Free(PATTERN)), NONE, "Tags of which a service must have none.")
        .example(r#"{monitoring: "off"}"#),

    of_keys("metrics", "Which metrics are posted."),
    key("metrics.profile", One(Choice(PROFILES)), Value("standard"),
        "What is posted of each service: compact (4 metrics), standard or full. What is not posted is \
         not asked of CloudWatch either, so this is most of the bill, and of the size of the host on \
         Mackerel.")
        .variable("MACKEREL_ECS_PROFILE").flag("--profile"),
    key("metrics.container_insights", One(Choice(SWITCH)), Value("off"),
        "Whether metrics of Container Insights are posted too, of clusters that have it on: on or off. \
         They are read of CloudWatch like all others, and cost as much."),
    key("metrics.include", Many(Free(PATTERN)), NONE,
        "Metrics to add to the profile, by their name on Mackerel, with or without `custom.`.")
        .example(r#"["ecs.deployment.*.count"]"#),
    key("metrics.exclude", Many(Free(PATTERN)), NONE,
        "Metrics to leave out of it, also of those that were added.")
        .example(r#"["*.minimum", "*.maximum"]"#),

    of_keys("host",
        "How a cluster looks as a host on Mackerel. Texts may hold {arn}, {cluster}, {region}, \
         {account}."),
    key("host.custom_identifier", One(Text(IDENTITY)), Value("{arn}"),
        "The identity. A change makes new hosts, so that a cluster's history begins anew."),
    key("host.display_name", One(Free(TEMPLATE)), WHATEVER,
        "The name that people see, beside the host's name, which is the cluster's. Unless it is given, \
         whatever is on Mackerel stays.")
        .example(r#""{cluster} ({region})""#),
    key("host.memo", One(Free(TEMPLATE)), WHATEVER,
        "The memo; unless it is given, whatever is on Mackerel stays.")
        .example(r#""https://{region}.console.aws.amazon.com/ecs/v2/clusters/{cluster}""#),
    key("host.roles", Many(Text(ROLE)), NONE,
        "Roles of the clusters whose tag `mackerel-integration` names none.")
        .example(r#"["shop:web"]"#).variable("MACKEREL_ROLES"),
    key("host.status", One(Choice(STATUSES)), Value("working"),
        "The status that a new host gets: working, standby, maintenance or poweroff. A host that is \
         there already keeps the one that it has."),
    key("host.retire_after", One(Form::Duration(RETIRE_AFTER)), Value("off"),
        "How long a cluster must have been deleted until its host is retired, which can't be undone. \
         ECS itself must say so when the time begins and when it ends; a cluster that is not listed, \
         not permitted or left out by a filter is not deleted. `off` retires no host.")
        .or("off"),

    of_keys("poll", "When and how far back is read."),
    key("poll.interval", One(Form::Duration(INTERVAL)), Value("1m"),
        "The time between two polls, whole minutes. Every minute's values arrive all the same; a \
         longer time costs fewer requests, and counts are then read once in that time.")
        .variable("MACKEREL_ECS_INTERVAL").flag("--interval"),
    key("poll.settle", One(Form::Duration(REREAD)), Value("1m"),
        "How long after its end a minute of CloudWatch is taken as complete, for its values come late."),
    key("poll.overlap", One(Form::Duration(REREAD)), Value("10m"),
        "How far back minutes are read again in case CloudWatch revised them."),
    key("poll.lookback", One(Form::Duration(LOOKBACK)), Value("1h"),
        "How far back a cluster is read that is seen for the first time. Mackerel takes values of the \
         last 24 hours."),
    key("poll.grace", One(Form::Duration(GRACE)), Value("25s"),
        "How long leaving may take after a signal to stop, seven tenths of it for the poll in hand: less \
         than what ECS allows a task to stop, which is 30 seconds unless stopTimeout says otherwise."),

    of_keys("aws", "How AWS is asked."),
    key("aws.rate_share", One(Number { low: 0.0, low_too: false, high: Some(1.0) }), Value("0.5"),
        "The share of AWS's documented request rates that the poller allows itself, above 0 and up to \
         1: whatever else runs in the account and Region lives off the same rates. `off` for no limit \
         of its own.")
        .or("off"),

    of_keys("cloudwatch",
        "CloudWatch, which is all that the poller costs on AWS: one hundredth of a US dollar for a \
         thousand metrics. A reading brings every minute since the one before, so that reading less \
         often costs less and leaves nothing out; the values only come later. Task counts are read at \
         each poll and cost nothing."),
    key("cloudwatch.interval", One(Form::Duration(INTERVAL)), Value("auto"),
        "How often it is read: auto, or whole minutes such as 1m or 5m. auto is the shortest of 1, 2, 3 \
         and 5 minutes that stays within the budget, and 5 minutes where none does.")
        .or("auto"),
    key("cloudwatch.monthly_budget_usd", One(Number { low: 0.0, low_too: true, high: None }), Value("0"),
        "What reading may cost a month beyond the free tier, in US dollars, for all targets together. \
         The free tier carries 11 services each minute, or 57 each five minutes."),
    key("cloudwatch.reader", One(Choice(READERS)), Value("auto"),
        "The call to read it with: auto, get_metric_statistics (the first million requests a month are \
         free) or get_metric_data (fewer and larger requests, never free). auto takes the cheaper one, \
         get_metric_statistics, unless a Region has so many metrics that it can't keep up."),

    key("shard", One(Text(SHARD)), ALL,
        "Which part of the clusters this poller polls, the index from 0: several pollers with one \
         configuration share a large estate. job/4 takes the index from an array job of AWS Batch or \
         an indexed Job of Kubernetes; an array job of AWS Batch needs nothing here.")
        .example("0/4").variable("MACKEREL_ECS_SHARD").flag("--shard"),

    of_keys("heartbeat",
        "The poller's own metrics go to a service on Mackerel, which must exist: that it is alive, and \
         how many seconds it is behind. Set a monitor for missing data on the first, and nobody has to \
         look whether the poller still runs."),
    key("heartbeat.service", One(Text(SERVICE)), Means("the poller's own metrics go nowhere"),
        "The service's name.")
        .example("monitoring"),

    of_keys("http", "What the poller tells of itself while it runs."),
    key("http.listen", One(Text(LISTEN)), Value("off"),
        "Where `GET /healthz` is answered while the poller runs: 200 as long as polls are finished in \
         time, 503 when none was for twice the interval and two minutes. `mackerel-ecs health` asks it, \
         for the health check of a container. `GET /metrics` tells there what the polls did, in \
         OpenMetrics.")
        .or("off").variable("MACKEREL_ECS_LISTEN"),

    key("reload", One(Form::Duration(RELOAD)), Value("auto"),
        "How often the source of this configuration is looked at for changes, which then hold from the \
         next poll on: auto (a file every ten seconds, a URL never), or a time such as 5m. A SIGHUP is a \
         look at once.")
        .or("auto"),
];
