//! What a person at a terminal sees, by way of util-linux's `script`, which is one to the program; and
//! what the manual, the completions and the version say.

use std::process::Command;

use mackerel_ecs::demo::aws::fleet::Fleet;
use mackerel_ecs::demo::aws::fleet::cluster::Cluster;
use mackerel_ecs::demo::aws::fleet::service::Service;
use mackerel_ecs::demo::mackerel::fault::{Fault, FaultKind};

use crate::support::program::Program;
use crate::support::world::{ACCOUNT, REGION, World};

async fn world() -> World {
    let name = "a-cluster-with-a-name-that-is-far-too-long-for-any-terminal-of-eighty-columns";
    let cluster = Cluster::fargate(name).service(Service::steady("api", 3));
    World::real(Fleet::new(ACCOUNT).cluster(REGION, cluster)).await
}

/// What a terminal of this width shows of a run.
async fn shown(
    world: &World,
    arguments: &str,
    columns: u16,
    environment: &[(&str, &str)],
) -> String {
    let program = env!("CARGO_BIN_EXE_mackerel-ecs");
    let mut run = world.program("").inside(
        "script",
        &[
            "-qec",
            &format!("stty cols {columns}; exec {program} {arguments}"),
            "/dev/null",
        ],
    );
    for (name, value) in environment {
        run = run.env(name, value);
    }
    run.run().await.stdout
}

#[tokio::test]
async fn tables_fit_and_colours_are_where_they_are_wanted() {
    let world = world().await;
    let poll = "poll --once";
    let at_80 = shown(&world, poll, 80, &[]).await;
    let table = |text: &str| -> Vec<String> {
        let lines = text.lines().skip_while(|line| !line.contains("CLUSTER"));
        lines.map(|line| line.trim_end().to_owned()).collect()
    };
    assert!(table(&at_80)[0].starts_with("\u{1b}[1mCLUSTER"), "{at_80}");
    assert!(table(&at_80)[1].contains('…'), "{at_80}");
    let plain = shown(&world, poll, 80, &[("NO_COLOR", "1")]).await;
    assert!(
        !plain.contains("\u{1b}[1m") && !plain.contains("\u{1b}[3"),
        "{plain}"
    );
    for line in table(&plain) {
        assert!(line.chars().count() <= 80, "{line}");
    }
    let wide = shown(&world, poll, 200, &[]).await;
    assert!(!wide.contains('…'), "{wide}");
    // Without a terminal there is neither colour nor progress, and the table has 120 columns.
    let piped = world
        .program("poll --once --output table")
        .run()
        .await
        .expect_status(0);
    assert!(!piped.stdout.contains('\u{1b}') && !piped.stderr.contains('\u{1b}'));
    assert!(piped.stdout.lines().all(|line| line.chars().count() <= 120));
    let forced = world
        .program("poll --once --output table")
        .env("CLICOLOR_FORCE", "1");
    let forced = forced.run().await.expect_status(0);
    assert!(
        forced.stdout.contains("\u{1b}[1mCLUSTER"),
        "{}",
        forced.stdout
    );
}

#[tokio::test]
async fn a_long_poll_tells_how_far_it_is() {
    let world = world().await;
    // Mackerel makes it wait some seconds.
    world.mackerel.inject(Fault {
        method: Some("POST".into()),
        path_prefix: "/api/v0/tsdb".into(),
        kind: FaultKind::Status {
            code: 503,
            retry_after: Some(3),
            body: String::new(),
        },
        times: Some(1),
    });
    let text = shown(&world, "poll --once", 150, &[("NO_COLOR", "1")]).await;
    let told = "\r\u{1b}[KECS: 1 of 1 services, CloudWatch: ";
    assert!(text.contains(told), "{text:?}");
    assert!(text.contains(", Mackerel: 0 of "), "{text:?}");
    // The table has its lines for itself.
    let (_, after) = text.rsplit_once("\u{1b}[K").unwrap();
    assert!(
        after.starts_with("CLUSTER") || after.contains("\nCLUSTER"),
        "{text:?}"
    );
}

#[tokio::test]
async fn completions_know_the_commands() {
    for (shell, parts) in [
        ("bash", ["_mackerel-ecs()", "iam-policy"]),
        ("zsh", ["#compdef mackerel-ecs", "iam-policy"]),
        ("fish", ["complete -c mackerel-ecs", "iam-policy"]),
        ("elvish", ["edit:completion", "iam-policy"]),
        ("powershell", ["Register-ArgumentCompleter", "iam-policy"]),
    ] {
        let ended = Program::new(&format!("completions {shell}")).run().await;
        let text = ended.expect_status(0).stdout;
        assert!(
            parts.iter().all(|part| text.contains(part)),
            "{shell}: {text}"
        );
    }
    // The one shell that is surely here takes its script, and completes with it.
    let script = "source <(\"$PROGRAM\" completions bash); COMP_WORDS=(mackerel-ecs iam); COMP_CWORD=1; \
                  _mackerel-ecs mackerel-ecs iam mackerel-ecs; echo \"${COMPREPLY[@]}\"";
    let output = Command::new("bash")
        .args(["-c", script])
        .env("PROGRAM", env!("CARGO_BIN_EXE_mackerel-ecs"))
        .output()
        .unwrap();
    assert_eq!(String::from_utf8_lossy(&output.stdout), "iam-policy\n");
    let ended = Program::new("completions tcsh")
        .run()
        .await
        .expect_status(2);
    ended.expect_said("bash, elvish, fish, powershell, zsh");
}

#[tokio::test]
async fn the_manual_has_a_page_for_each_command() {
    let page = Program::new("man").run().await.expect_status(0).stdout;
    for part in [
        ".TH mackerel-ecs 1",
        "mackerel\\-ecs\\-poll(1)",
        "mackerel\\-ecs check",
    ] {
        assert!(page.contains(part), "{part} is not in:\n{page}");
    }
    let folder = std::env::temp_dir().join(format!("mackerel-ecs-man-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let ended = Program::new(&format!("man --out {}", folder.display()))
        .run()
        .await;
    ended.expect_status(0);
    for name in [
        "mackerel-ecs.1",
        "mackerel-ecs-poll.1",
        "mackerel-ecs-config-show.1",
    ] {
        assert!(folder.join(name).exists(), "{name}");
    }
    std::fs::remove_dir_all(&folder).unwrap();
    let ended = Program::new("man --out /nowhere")
        .run()
        .await
        .expect_status(1);
    ended.expect_said("can't write the manual into /nowhere: No such file or directory");
}

/// The revision and the day are those of the commit that this was built from.
#[tokio::test]
async fn the_version_tells_the_revision() {
    let git = |arguments: &[&str]| {
        let output = Command::new("git")
            .args(arguments)
            .current_dir(env!("CARGO_MANIFEST_DIR"))
            .env("TZ", "UTC0")
            .output();
        let output = output.ok().filter(|output| output.status.success())?;
        Some(String::from_utf8(output.stdout).unwrap().trim().to_owned())
    };
    let revision = git(&["rev-parse", "--short=12", "HEAD"]);
    let day = git(&["log", "-1", "--format=%cd", "--date=short-local"]);
    let unknown = || "unknown".to_owned();
    let (revision, day) = (
        revision.unwrap_or_else(unknown),
        day.unwrap_or_else(unknown),
    );
    let ended = Program::new("--version").run().await.expect_status(0);
    let expected = format!(
        "mackerel-ecs {} ({revision}, {day})\n",
        env!("CARGO_PKG_VERSION")
    );
    assert_eq!((ended.stdout, ended.stderr), (expected, String::new()));
}
