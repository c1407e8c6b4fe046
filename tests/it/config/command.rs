//! The commands below `config`, as a person types them.

use mackerel_ecs::config::table::KEYS;

use super::files::example;
use super::{load_inline, load_text};
use crate::support::program::Program;
use crate::support::web::{Web, text};
use crate::support::world::API_KEY;

/// A folder of this test alone, removed at the end.
struct Folder(std::path::PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let name = format!("mackerel-ecs-{}-{name}", std::process::id());
        let path = std::env::temp_dir().join(name);
        std::fs::create_dir_all(&path).unwrap();
        Folder(path)
    }

    fn file(&self, name: &str) -> String {
        self.0.join(name).to_str().unwrap().to_owned()
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// Without what the test's own helper adds to an inline configuration.
fn program(arguments: &str) -> Program {
    Program::new(arguments).env("MACKEREL_APIKEY", API_KEY)
}

#[tokio::test]
async fn each_value_is_shown_with_where_it_came_from() {
    let folder = Folder::new("show");
    let path = folder.file("ecs.yaml");
    let yaml = "targets:\n  - role_arn: arn:aws:iam::111122223333:role/r\n    regions: eu-west-1\n\
                clusters:\n  tags: {env: [a, 'b: c']}\nmetrics: {profile: compact}\n\
                poll: {interval: 2m, grace: 3s}\n";
    std::fs::write(&path, yaml).unwrap();
    let shown = program(&format!(
        "config show --config {path} --interval 3m --cluster a --cluster b"
    ))
    .env("MACKEREL_ECS_PROFILE", "full")
    .run()
    .await
    .expect_status(0)
    .stdout;
    for line in [
        "  apikey: \"(set, and not shown)\"  # environment variable MACKEREL_APIKEY",
        "  apibase: https://api.mackerelio.com  # default",
        "  - name: null  # default: the account's number where a role is assumed, else `default`",
        &format!("    role_arn: arn:aws:iam::111122223333:role/r  # {path}:2:5"),
        &format!("    regions: eu-west-1  # {path}:3:5"),
        "  include: [a, b]  # flag --cluster",
        &format!("  tags: {{env: [a, \"b: c\"]}}  # {path}:5:3"),
        "  profile: full  # environment variable MACKEREL_ECS_PROFILE",
        "  interval: 3m  # flag --interval",
        &format!("  grace: 3s  # {path}:7:22"),
        "  custom_identifier: \"{arn}\"  # default",
        "shard: null  # default: all of them",
    ] {
        assert!(
            shown.lines().any(|one| one == line),
            "{line} is not in:\n{shown}"
        );
    }
    assert!(!shown.contains(API_KEY));
    // Each key of the table is there.
    for key in KEYS {
        let name = format!("{}:", key.name());
        assert!(shown.contains(&name), "{name} is not in:\n{shown}");
    }
    // What is shown means the same when it is read, but for the key.
    let again = shown.replace("(set, and not shown)", "key");
    let again = load_inline(&again).unwrap();
    assert_eq!(again.poll.interval.as_secs(), 180);
    assert_eq!(again.targets[0].regions.named(), ["eu-west-1"]);
    let refused = load_text("shown", &shown, &[]).unwrap_err();
    assert!(
        refused[0].contains("mackerel.apikey holds a blank"),
        "{refused:?}"
    );
}

#[tokio::test]
async fn the_default_configuration_is_shown_and_read_again() {
    let shown = Program::new("config show")
        .run()
        .await
        .expect_status(0)
        .stdout;
    let again = format!("{:#?}", load_inline(&shown).unwrap());
    assert_eq!(again, format!("{:#?}", load_inline("").unwrap()));
}

#[tokio::test]
async fn mistakes_are_all_told_at_once() {
    let folder = Folder::new("validate");
    let path = folder.file("ecs.yaml");
    std::fs::write(&path, "poll: {grace: 1d}\nmetric: {}\n").unwrap();
    for command in ["show", "validate"] {
        let program = Program::new(&format!("config {command} --config {path}"));
        let ended = program
            .env("MACKEREL_ECS_PROFIL", "x")
            .run()
            .await
            .expect_status(2);
        assert_eq!(ended.stdout, "");
        let said: Vec<&str> = ended.stderr.lines().collect();
        assert_eq!(
            said,
            [
                "mackerel-ecs: unknown environment variable MACKEREL_ECS_PROFIL; did you mean \
                 `MACKEREL_ECS_PROFILE`?",
                &format!(
                    "mackerel-ecs: {path}:1:8: poll.grace is `1d`, but must be from 1s to 10m"
                ),
                &format!("mackerel-ecs: {path}:2:1: unknown key `metric`; did you mean `metrics`?"),
            ]
        );
    }
}

#[tokio::test]
async fn what_is_valid_is_said_to_be() {
    let web = Web::start(|_, _| text(200, "poll: {interval: 2m}")).await;
    for (arguments, inline, said) in [
        (
            "config validate",
            None,
            "no configuration is named; what the environment says: valid\n",
        ),
        (
            "config validate",
            Some("{}"),
            "MACKEREL_ECS_CONFIG_YAML: valid\n",
        ),
        (
            &format!("config validate --config {}/a.yaml?sig=x", web.url),
            None,
            &format!("{}/a.yaml: valid\n", web.url),
        ),
    ] {
        let mut program = program(arguments);
        if let Some(inline) = inline {
            program = program.env("MACKEREL_ECS_CONFIG_YAML", inline);
        }
        let ended = program.run().await.expect_status(0);
        assert_eq!((ended.stdout.as_str(), ended.stderr.as_str()), (said, ""));
    }
    let ended = Program::new("config validate").run().await.expect_status(0);
    ended.expect_said("there is no API key here; a poll needs MACKEREL_APIKEY");
}

/// All commands read a configuration from wherever it is.
#[tokio::test]
async fn every_command_reads_from_a_url() {
    let web = Web::start(|_, _| text(200, "poll: {interval: 90s}")).await;
    for command in [
        "poll --once",
        "check",
        "health",
        "iam-policy",
        "iam-policy --for reader",
        "config show",
    ] {
        let program = program(&format!("{command} --config {}/a.yaml", web.url));
        let ended = program.run().await.expect_status(2);
        let said = format!(
            "{}/a.yaml:1:8: poll.interval is `90s`, but must be whole minutes such as 5m",
            web.url
        );
        let printed = format!("{}{}", ended.stdout, ended.stderr);
        assert!(printed.contains(&said), "{command}: {printed}");
    }
}

#[tokio::test]
async fn a_file_is_begun_once() {
    let folder = Folder::new("init");
    let path = folder.file("new.yaml");
    let ended = Program::new(&format!("config init {path}"))
        .run()
        .await
        .expect_status(0);
    assert!(ended.stdout.starts_with(&path), "{}", ended.stdout);
    assert_eq!(std::fs::read_to_string(&path).unwrap(), example());
    std::fs::write(&path, "mine").unwrap();
    let ended = Program::new(&format!("config init {path}"))
        .run()
        .await
        .expect_status(2);
    let said = format!("mackerel-ecs: {path} is there already; remove it or name another file\n");
    assert_eq!(ended.stderr, said);
    assert_eq!(std::fs::read_to_string(&path).unwrap(), "mine");
    let ended = Program::new("config init /nowhere/a.yaml")
        .run()
        .await
        .expect_status(1);
    ended.expect_said("can't write /nowhere/a.yaml: No such file or directory");
    let printed = Program::new("config init -").run().await.expect_status(0);
    assert_eq!(printed.stdout, example());
}

#[tokio::test]
async fn the_schema_that_is_printed_is_the_one_that_is_published() {
    let printed = Program::new("config schema").run().await.expect_status(0);
    let published = std::fs::read_to_string(super::files::folder().join("schema.json")).unwrap();
    assert_eq!(printed.stdout, published);
}
