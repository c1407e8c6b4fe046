//! Wrong inputs, tried as a new user would: each gives one clear sentence that names the thing and the
//! mend, with the right exit status. What is expected stands in `docs/troubleshooting.md`, a row each,
//! so that the page can't say anything else than the program does. And a canary: the secrets of these
//! runs are in nothing that any of them prints.

mod cases;

use std::collections::BTreeSet;
use std::path::Path;
use std::time::Duration;

use futures_util::stream::{self, StreamExt};
use mackerel_ecs::demo::aws::fleet::Fleet;
use mackerel_ecs::demo::aws::fleet::cluster::Cluster;
use mackerel_ecs::demo::aws::fleet::service::Service;
use mackerel_ecs::demo::aws::options::{Denial, Key, Options as AwsOptions};
use mackerel_ecs::demo::mackerel::option::{ApiKey, Options as MackerelOptions};
use mackerel_ecs::demo::serve::serve;
use mackerel_ecs::demo::task::SimulatedTasks;
use mackerel_ecs::demo::task::model::demo_tasks;
use regex_lite::Regex;
use tokio::io::AsyncReadExt;

use crate::support::program::{Ended, Program, end};
use crate::support::web::{Web, text};
use crate::support::world::{ACCOUNT, API_KEY, REGION, SECRET_KEY, World, real_now};
use cases::{CASES, Case, Given};

/// How many run at once.
const AT_ONCE: usize = 4;

/// How long the sidecar may take until it complains.
const PATIENCE: Duration = Duration::from_secs(30);

/// One row of the page.
struct Row {
    what: String,
    said: String,
    status: i32,
    mend: String,
}

fn rows() -> Vec<Row> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/troubleshooting.md");
    let page = std::fs::read_to_string(path).unwrap();
    let mut rows = Vec::new();
    for line in page.lines().filter(|line| line.starts_with("| ")) {
        let line = line.replace("\\|", "\u{1}");
        let cells: Vec<String> = line
            .trim_matches('|')
            .split('|')
            .map(|cell| cell.trim().replace('\u{1}', "|"))
            .collect();
        let [what, said, status, mend] = cells.try_into().unwrap();
        let Ok(status) = status.parse() else {
            continue;
        };
        let said = said.trim_matches('`').trim().to_owned();
        rows.push(Row {
            what,
            said: if said == "nothing" {
                String::new()
            } else {
                said
            },
            status,
            mend,
        });
    }
    rows
}

#[tokio::test]
async fn each_gives_the_sentence_that_the_page_shows() {
    let rows = rows();
    assert!(rows.len() >= 30, "{}", rows.len());
    let told: BTreeSet<&str> = rows.iter().map(|row| row.what.as_str()).collect();
    let tried: BTreeSet<&str> = CASES.iter().map(|case| case.what).collect();
    assert_eq!(told, tried);
    let wrong: Vec<String> = stream::iter(CASES)
        .map(|case| judge(case, &rows))
        .buffered(AT_ONCE)
        .filter_map(async |wrong| wrong)
        .collect()
        .await;
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// What is wrong with what a case prints.
async fn judge(case: &Case, rows: &[Row]) -> Option<String> {
    let row = rows.iter().find(|row| row.what == case.what)?;
    let tried = Tried::start(case).await;
    let ended = tried.run(case).await;
    let printed = format!("{}\n{}", ended.stdout, ended.stderr);
    for secret in [API_KEY, SECRET_KEY, "canary"] {
        if printed.contains(secret) {
            return Some(format!("{}: {secret} is in:\n{printed}", case.what));
        }
    }
    let said = tried.plain(&sentences(&ended));
    let is_mended = !row.mend.is_empty();
    if said == row.said && ended.status == Some(row.status) && is_mended {
        return None;
    }
    Some(format!(
        "| {} | `{said}` | {} |\n    in place of `{}` | {}",
        case.what,
        ended.status.unwrap_or(-1),
        row.said,
        row.status
    ))
}

/// What went wrong as it was told: mistakes, and the log's warnings and errors without time and level.
/// Of a wrong use the first line is enough.
fn sentences(ended: &Ended) -> String {
    let mut told = Vec::new();
    for line in ended.stderr.lines() {
        if let Some(mistake) = line.strip_prefix("mackerel-ecs: ") {
            told.push(mistake);
        } else if line.starts_with("error: ") {
            told.push(line);
            break;
        } else if let Some((_, said)) = line
            .split_once(" WARN ")
            .or_else(|| line.split_once(" ERROR "))
        {
            told.push(said);
        } else if is_complaint(line)
            && let Some((_, said)) = line.split_once(" INFO ")
        {
            told.push(said);
        } else if line.contains("panicked") {
            told.push(line);
        }
    }
    if told.is_empty() && ended.status != Some(0) && !ended.stdout.is_empty() {
        told.extend(ended.stdout.lines().filter(|line| line.starts_with("FAIL")));
    }
    told.join(" // ")
}

/// A case with all that it runs in.
struct Tried {
    world: World,
    web: Web,
    metadata: String,
    folder: std::path::PathBuf,
}

impl Drop for Tried {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

impl Tried {
    async fn start(case: &Case) -> Self {
        let cluster = |name: &str| Cluster::fargate(name).service(Service::steady("api", 1));
        let fleet = match case.given {
            Given::EmptyAccount => Fleet::new(ACCOUNT),
            _ => Fleet::new(ACCOUNT).cluster(REGION, cluster("web")),
        };
        let aws = |options: AwsOptions| match case.given {
            Given::ExpiredToken => options.key("AKIATEST", Key::Expired),
            Given::WrongCredentials => options.key("AKIATEST", Key::Invalid),
            Given::Denied(action) => options.deny(Denial::of(action)),
            _ => options,
        };
        let mackerel = |mut options: MackerelOptions| {
            if let Given::ReadOnlyKey = case.given {
                options.keys = vec![ApiKey::read_only(API_KEY)];
            }
            options
        };
        let world = World::real_with(fleet, aws, mackerel).await;
        let web = Web::start(|head, _| match head.uri.path() {
            "/ecs.yaml" => text(404, "not found"),
            "/skewed/" => text(
                400,
                r#"{"__type":"InvalidSignatureException","message":"Signature expired: 20261122T110000Z is now earlier than 20261122T111500Z (20261122T112000Z - 5 min.)"}"#,
            ),
            _ => text(200, "<!DOCTYPE html>\n<html><body>Sign in</body></html>\n"),
        })
        .await;
        let tasks = demo_tasks(real_now());
        let id = tasks[0].id.clone();
        let tasks = SimulatedTasks::new(tasks, std::sync::Arc::new(real_now));
        let metadata = serve(tasks.router(), 0).await.unwrap();
        let name: String = case
            .what
            .chars()
            .filter(char::is_ascii_alphanumeric)
            .collect();
        let folder = format!("mackerel-ecs-wrong-{}-{name}", std::process::id());
        let folder = std::env::temp_dir().join(folder);
        std::fs::create_dir_all(&folder).unwrap();
        std::fs::write(folder.join("bytes.yaml"), [0xff, 0xfe, 0x00]).unwrap();
        std::os::unix::fs::symlink("/dev/full", folder.join("id")).unwrap();
        let tried = Tried {
            world,
            web,
            metadata: format!("http://{metadata}/v4/{id}"),
            folder,
        };
        if !case.file.is_empty() {
            let file = tried.folder.join("ecs.yaml");
            std::fs::write(file, tried.filled(case.file)).unwrap();
        }
        tried
    }

    /// Places of a case filled in.
    fn filled(&self, text: &str) -> String {
        text.replace("{folder}", self.folder.to_str().unwrap())
            .replace("{web}", &self.web.url)
            .replace("{metadata}", &self.metadata)
            .replace("{taken}", self.web.url.trim_start_matches("http://"))
    }

    /// What was said, with names in the place of addresses that are another each time.
    fn plain(&self, said: &str) -> String {
        let folder = format!("{}/", self.folder.display());
        let said = said
            .replace(&folder, "")
            .replace(&self.world.mackerel_url, "https://api.mackerelio.com")
            .replace(&self.world.aws_url, "https://aws.example")
            .replace(&self.web.url, "https://web.example")
            .replace(self.web.url.trim_start_matches("http://"), "127.0.0.1:9808");
        let request = Regex::new("request id [0-9a-zA-Z-]+").unwrap();
        request.replace_all(&said, "request id ...").into_owned()
    }

    async fn run(&self, case: &Case) -> Ended {
        let arguments = self.filled(case.arguments);
        let mut program = match case.given {
            Given::Nothing => Program::new(&arguments),
            _ => self.world.program(&arguments),
        };
        if arguments.contains("--config") || case.given.is_bare() {
            program = program.without("MACKEREL_ECS_CONFIG_YAML");
        }
        for (name, value) in case.environment {
            program = program.env(name, &self.filled(value));
        }
        for name in case.without {
            program = program.without(name);
        }
        match case.given {
            Given::Sidecar => complained(program).await,
            Given::ClosedPipe => {
                let mut child = program.start();
                drop(child.stdout.take());
                let ended = child.wait_with_output().await.unwrap();
                Ended {
                    status: ended.status.code(),
                    stdout: String::new(),
                    stderr: String::from_utf8(ended.stderr).unwrap(),
                }
            }
            _ => program.run().await,
        }
    }
}

/// A line of the log that tells of trouble; of a file that could not be written, it is no more than news.
fn is_complaint(line: &str) -> bool {
    [" WARN ", " ERROR ", " is not kept "]
        .iter()
        .any(|part| line.contains(part))
}

/// Runs what goes on until it is stopped, and stops it when it has complained.
async fn complained(program: Program) -> Ended {
    let mut child = program.start();
    let mut stderr = child.stderr.take().unwrap();
    let mut said = String::new();
    let complaint = async {
        let mut bytes = [0; 4096];
        while !said.lines().any(is_complaint) {
            let read = stderr.read(&mut bytes).await.unwrap();
            if read == 0 {
                break;
            }
            said.push_str(&String::from_utf8_lossy(&bytes[..read]));
        }
    };
    let _ = tokio::time::timeout(PATIENCE, complaint).await;
    if let Some(id) = child.id() {
        let id = id.to_string();
        let _ = std::process::Command::new("kill")
            .args(["-s", "TERM", &id])
            .status();
    }
    child.stderr = Some(stderr);
    let ended = end(child).await;
    // Only the first complaint counts: what follows is about the end.
    let first = said
        .lines()
        .filter(|line| line.contains(" WARN ") || line.contains(" ERROR "));
    Ended {
        stderr: first.take(1).collect(),
        ..ended
    }
}

/// The log at its most talkative, and all that shows the configuration, hold no secret.
#[tokio::test]
async fn a_canary_is_nowhere() {
    let cluster = Cluster::fargate("web").service(Service::steady("api", 1));
    let world = World::real(Fleet::new(ACCOUNT).cluster(REGION, cluster)).await;
    let config = "mackerel: {apikey: canary-in-the-file}\nhost: {memo: x}\n";
    for arguments in [
        "poll --once --output json --log-level trace",
        "poll --once --output table --log-level trace --log-format json",
        "poll --dry-run --log-level trace",
        "check --log-level trace",
        "check --output json",
        "config show",
        "config show --log-level trace",
        "config validate",
        "iam-policy",
        "health",
        "poll --once --interval never",
    ] {
        let program = world
            .program(arguments)
            .config(config)
            .env("AWS_SESSION_TOKEN", "canary-session-token")
            .env("RUST_LOG", "trace");
        let ended = program.run().await;
        for stream in [&ended.stdout, &ended.stderr] {
            assert!(!stream.contains("canary"), "{arguments}:\n{stream}");
        }
        assert!(
            !ended.stdout.is_empty() || !ended.stderr.is_empty(),
            "{arguments}"
        );
    }
    // What the poller tells of itself while it runs.
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let listen = taken.local_addr().unwrap().to_string();
    drop(taken);
    let child = world
        .program("poll")
        .config(config)
        .env("MACKEREL_ECS_LISTEN", &listen)
        .start();
    let mut pages = String::new();
    for path in ["healthz", "metrics"] {
        let request = || http::Request::get(format!("http://{listen}/{path}")).body(Vec::new());
        let transport = mackerel_ecs::transport::Transport::direct(None).unwrap();
        for _ in 0..600 {
            let answer = transport
                .send(request().unwrap(), Duration::from_secs(5))
                .await;
            if let Ok(answer) = answer {
                pages.push_str(&String::from_utf8_lossy(answer.body()));
                break;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }
    let id = child.id().unwrap().to_string();
    let _ = std::process::Command::new("kill")
        .args(["-s", "TERM", &id])
        .status();
    let ended = end(child).await;
    assert!(!pages.is_empty());
    for text in [&pages, &ended.stdout, &ended.stderr] {
        assert!(!text.contains("canary"), "{text}");
    }
}
