//! The wrong inputs, a row each. Their names are those of the page's rows.

/// A wrong input.
pub struct Case {
    /// What a person did, as the page says it.
    pub what: &'static str,
    /// What is typed after `mackerel-ecs`. `{folder}`, `{web}`, `{metadata}` and `{taken}` stand for
    /// what is another each time: a folder, a web server, the metadata endpoint, an address in use.
    pub arguments: &'static str,
    /// Variables that are set.
    pub environment: &'static [(&'static str, &'static str)],
    /// Variables that are not.
    pub without: &'static [&'static str],
    /// What stands in `ecs.yaml`.
    pub file: &'static str,
    /// Where it runs.
    pub given: Given,
}

/// Where a wrong input is tried.
pub enum Given {
    /// Nothing is set.
    Nothing,
    /// All is well: an AWS, a Mackerel, and the variables for both.
    AllWell,
    /// No cluster.
    EmptyAccount,
    /// Credentials that have expired.
    ExpiredToken,
    /// Credentials that nobody has.
    WrongCredentials,
    /// A permission that is missing.
    Denied(&'static str),
    /// A key without write permission.
    ReadOnlyKey,
    /// A sidecar, until it complains.
    Sidecar,
    /// Nobody reads standard output.
    ClosedPipe,
}

impl Given {
    /// Whether it has no configuration but what the case gives.
    pub fn is_bare(&self) -> bool {
        matches!(self, Given::Nothing | Given::Sidecar)
    }
}

const fn case(what: &'static str, arguments: &'static str, given: Given) -> Case {
    Case {
        what,
        arguments,
        environment: &[],
        without: &[],
        file: "",
        given,
    }
}

impl Case {
    const fn env(mut self, environment: &'static [(&'static str, &'static str)]) -> Self {
        self.environment = environment;
        self
    }

    const fn without(mut self, names: &'static [&'static str]) -> Self {
        self.without = names;
        self
    }

    const fn file(mut self, text: &'static str) -> Self {
        self.file = text;
        self
    }
}

const ONCE: &str = "poll --once";
const FROM_FILE: &str = "poll --once --config {folder}/ecs.yaml";

use Given::{
    AllWell, ClosedPipe, Denied, EmptyAccount, ExpiredToken, Nothing, ReadOnlyKey, Sidecar,
    WrongCredentials,
};

/// All of them.
#[rustfmt::skip]
pub const CASES: &[Case] = &[
    // What was typed.
    case("a command that there is not", "pol", Nothing),
    case("a flag that there is not", "poll --onse", Nothing),
    case("a flag's value that there is not", "poll --once --output xml", Nothing),
    case("a level that there is not", ONCE, Nothing).env(&[("MACKEREL_ECS_LOG", "verbose")]),
    // Variables.
    case("no API key", ONCE, AllWell).without(&["MACKEREL_APIKEY"]),
    case("a key with a blank in it", ONCE, AllWell).env(&[("MACKEREL_APIKEY", "canary canary")]),
    case("a mistyped variable", ONCE, AllWell).env(&[("MACKEREL_ECS_PROFIL", "full")]),
    case("a variable with a wrong value", ONCE, AllWell).env(&[("MACKEREL_ECS_PROFILE", "fast")]),
    case("a role with a space", ONCE, AllWell).env(&[("MACKEREL_ROLES", "shop web")]),
    case("the API's address without https", ONCE, AllWell).env(&[("MACKEREL_APIBASE", "api.mackerelio.com")]),
    case("two configurations", ONCE, AllWell).env(&[("MACKEREL_ECS_CONFIG", "ecs.yaml")]),
    case("an address without a port to listen at", ONCE, AllWell).env(&[("MACKEREL_ECS_LISTEN", "9808")]),
    case("a shard that is one too many", "poll --once --shard 4/4", AllWell),
    case("a shard of a job outside of one", "poll --once --shard job/4", AllWell),
    // The file.
    case("a file that is not there", "poll --once --config {folder}/none.yaml", AllWell),
    case("a folder in the place of a file", "poll --once --config /etc", AllWell),
    case("a file that is no text", "poll --once --config {folder}/bytes.yaml", AllWell),
    case("a tab in the YAML", FROM_FILE, AllWell).file("poll:\n\tinterval: 1m\n"),
    case("a key that is written twice", FROM_FILE, AllWell).file("poll: {}\npoll: {}\n"),
    case("an unknown key", FROM_FILE, AllWell).file("metrics:\n  profil: full\n"),
    case("a number where a duration belongs", FROM_FILE, AllWell).file("poll:\n  interval: 60\n"),
    case("a Region that is none", FROM_FILE, AllWell).file("targets:\n  - regions: tokyo\n"),
    case("a role ARN that is none", FROM_FILE, AllWell).file("targets:\n  - role_arn: reader\n"),
    case("two targets of one name", FROM_FILE, AllWell).file("targets:\n  - name: a\n  - name: a\n"),
    case("a configuration that a web server does not have", "poll --once --config {web}/ecs.yaml", AllWell),
    case("a configuration's URL that answers a web page", "poll --once --config {web}/login", AllWell),
    case("an S3 URL without a key", "poll --once --config s3://bucket", AllWell),
    case("a file to begin that is there already", "config init {folder}/ecs.yaml", Nothing).file("mine"),
    // AWS.
    case("no Region", ONCE, AllWell).without(&["AWS_REGION"]),
    case("no credentials", ONCE, AllWell).without(&["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"]),
    case("credentials that AWS does not know", ONCE, WrongCredentials),
    case("an expired token", ONCE, ExpiredToken),
    case("a clock that is fifteen minutes off", ONCE, AllWell).env(&[("AWS_ENDPOINT_URL", "{web}/skewed")]),
    case("a permission that is missing", ONCE, Denied("ecs:ListClusters")),
    case("a role that can't be assumed", FROM_FILE, AllWell)
        .file("targets:\n  - role_arn: arn:aws:iam::444455556666:role/reader\n"),
    case("an empty account, or the wrong Region", ONCE, EmptyAccount),
    case("filters that leave nothing", "poll --once --cluster prod-*", AllWell),
    case("an AWS endpoint where nothing listens", ONCE, AllWell)
        .env(&[("AWS_ENDPOINT_URL", "http://127.0.0.1:9"), ("AWS_MAX_ATTEMPTS", "1")]),
    case("an AWS endpoint that answers a web page", ONCE, AllWell)
        .env(&[("AWS_ENDPOINT_URL", "{web}"), ("AWS_MAX_ATTEMPTS", "1")]),
    // Mackerel.
    case("a wrong API key", ONCE, AllWell).env(&[("MACKEREL_APIKEY", "wrong-canary")]),
    case("a key without write permission", ONCE, ReadOnlyKey),
    case("a Mackerel that can't be reached", ONCE, AllWell).env(&[("MACKEREL_APIBASE", "http://127.0.0.1:9")]),
    case("a Mackerel that answers a web page", ONCE, AllWell).env(&[("MACKEREL_APIBASE", "{web}")]),
    case("a service for the heartbeat that there is not", FROM_FILE, AllWell)
        .file("heartbeat: {service: monitoring}\ncloudwatch: {interval: 1m}\n"),
    // This machine.
    case("an address that is in use", ONCE, AllWell).env(&[("MACKEREL_ECS_LISTEN", "{taken}")]),
    case("a health check of a poller that listens nowhere", "health", AllWell),
    case("a health check of a poller that does not run", "health", AllWell).env(&[("MACKEREL_ECS_LISTEN", "127.0.0.1:9")]),
    case("a reader that leaves early, such as head", "poll --dry-run", ClosedPipe),
    case("a manual for a folder that is not there", "man --out /nowhere", Nothing),
    // A task definition, and the sidecar.
    case("a task definition that is no JSON", "inject {folder}/ecs.yaml --image i --api-key-arn arn:aws:ssm:r:a:parameter/k", Nothing).file("name: web"),
    case("a key in the place of its ARN", "inject {folder}/ecs.yaml --image i --api-key-arn canary", Nothing).file("[]"),
    case("a full disk under the sidecar's id file", "task", Sidecar).env(&[
        ("ECS_CONTAINER_METADATA_URI_V4", "{metadata}"), ("MACKEREL_AGENT_CONFIG", "{folder}/ecs.yaml")])
        .file("root: {folder}\n"),
    case("a sidecar outside of ECS", "task", Sidecar)
        .env(&[("ECS_CONTAINER_METADATA_URI_V4", "http://127.0.0.1:9")]),
];
