//! A moto server for the tests, and fleets in it.
//!
//! Moto is an independent imitation of AWS in Python. One server serves a whole test binary;
//! every test takes an account number of its own from it and so sees nothing of the others. The
//! server ends when the test process ends and with it the pipe to the server's standard input.

use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{OnceLock, mpsc};
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use serde_json::Value;

/// How long a server may take to answer; it takes one to two seconds on an idle machine.
const START_LIMIT: Duration = Duration::from_secs(60);
/// The environment variable that names the Python interpreter which has moto and boto3.
const PYTHON: &str = "MACKEREL_ECS_TEST_PYTHON";
const ADVICE: &str = "run `make test`, which sets it up";

/// A running moto server.
#[derive(Debug)]
pub struct Moto {
    url: String,
    process: Child,
    next_account: AtomicU64,
}

impl Moto {
    /// The one server of this test binary, started by the first test that asks for it.
    ///
    /// Panics, with what to do about it, when there is no server to be had.
    pub fn shared() -> &'static Moto {
        static SHARED: OnceLock<Moto> = OnceLock::new();
        SHARED.get_or_init(|| match Moto::start() {
            Ok(moto) => moto,
            Err(error) => panic!("{error:#}"),
        })
    }

    fn start() -> Result<Moto> {
        let mut process = python("serve.py")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .with_context(missing_interpreter)?;
        let stdout = process
            .stdout
            .take()
            .context("moto has no standard output")?;
        let (sender, lines) = mpsc::channel();
        thread::spawn(move || {
            let mut line = String::new();
            let read = BufReader::new(stdout).read_line(&mut line);
            // The receiver is gone only after the deadline, when nobody needs the line.
            let _ = sender.send(read.map(|_| line));
        });
        // From here on the server is stopped by the drop of `moto`.
        let mut moto = Moto {
            url: String::new(),
            process,
            next_account: AtomicU64::new(1),
        };
        let line = lines
            .recv_timeout(START_LIMIT)
            .with_context(|| format!("moto did not answer within {START_LIMIT:?}"))??;
        let port: u16 = line.trim().parse().ok().with_context(|| {
            format!(
                "moto ended before it answered; is it in {}? {ADVICE}",
                interpreter().display()
            )
        })?;
        moto.url = format!("http://127.0.0.1:{port}");
        Ok(moto)
    }

    /// The server's address without a final slash: `http://127.0.0.1:PORT`.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// An account number (12 digits) that this server has not given out before, hence an empty
    /// AWS account with all its regions.
    pub fn account(&self) -> String {
        format!(
            "{:012}",
            100_000_000_000 + self.next_account.fetch_add(1, Ordering::Relaxed)
        )
    }

    /// Makes clusters, services, tasks and datapoints in one region of an account, as
    /// `tests/moto/fleet.py` describes them, and returns what was made.
    pub fn make(&self, account: &str, region: &str, fleet: &Value) -> Result<Value> {
        let mut script = python("fleet.py");
        script.args([
            "--endpoint",
            &self.url,
            "--region",
            region,
            "--account",
            account,
        ]);
        let made = answer(script, fleet)?;
        serde_json::from_slice(&made).context("reading what fleet.py made")
    }
}

/// What botocore makes of a request that `tests/moto/sign.py` describes: the Authorization header.
pub fn botocore_signature(request: &Value) -> Result<String> {
    let header = answer(python("sign.py"), request)?;
    Ok(String::from_utf8(header)?.trim().to_owned())
}

/// Hands a script its input and gives what it printed.
fn answer(mut script: Command, input: &Value) -> Result<Vec<u8>> {
    let mut process = script
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .with_context(missing_interpreter)?;
    let mut stdin = process.stdin.take().context("no standard input")?;
    // A failed write means that the script ended early, which its output explains below.
    let written = stdin.write_all(input.to_string().as_bytes());
    drop(stdin);
    let output = process.wait_with_output()?;
    if !output.status.success() {
        bail!("{script:?}: {}", String::from_utf8_lossy(&output.stderr));
    }
    written.context("handing a script its input")?;
    Ok(output.stdout)
}

impl Drop for Moto {
    fn drop(&mut self) {
        // Both fail only when the process has ended already.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// The interpreter that `make test` prepares, unless the environment names another.
pub fn interpreter() -> PathBuf {
    match std::env::var_os(PYTHON) {
        Some(path) => path.into(),
        None => Path::new(env!("CARGO_MANIFEST_DIR")).join("target/venv/bin/python"),
    }
}

/// A call of one of the scripts in `tests/moto`, free of the caller's own AWS and moto settings.
fn python(script: &str) -> Command {
    let mut command = Command::new(interpreter());
    command.arg(
        Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("tests/moto")
            .join(script),
    );
    for (name, _) in std::env::vars_os() {
        let name_text = name.to_string_lossy();
        if ["AWS_", "MOTO_", "PYTHON"]
            .iter()
            .any(|prefix| name_text.starts_with(prefix))
        {
            command.env_remove(&name);
        }
    }
    command
        .env("AWS_CONFIG_FILE", "")
        .env("AWS_SHARED_CREDENTIALS_FILE", "");
    command.env("NO_PROXY", "127.0.0.1");
    command
}

fn missing_interpreter() -> String {
    format!(
        "cannot run the Python interpreter {}; {ADVICE}",
        interpreter().display()
    )
}
