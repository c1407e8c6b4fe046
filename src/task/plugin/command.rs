//! Runs a program of the user: in a process group of its own, within its time, with a bound on
//! what is kept of its output, and with no process of it left behind.

use std::collections::BTreeMap;
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use nix::sys::signal::{Signal, killpg};
use nix::sys::wait::{WaitPidFlag, WaitStatus, waitpid};
use nix::unistd::Pid;
use tokio::io::{AsyncRead, AsyncReadExt};
use tokio::process::Child;
use tokio::time::{sleep, timeout};

use crate::config::secret::Secret;

/// How long a program that was told to end may take until it is killed.
const KILL_AFTER: Duration = Duration::from_secs(10);

/// How often it is looked whether what a program left behind has ended.
const REAP_EVERY: Duration = Duration::from_secs(10);

/// The most that is kept of the standard output, in bytes.
const STDOUT_LIMIT: usize = 512 << 10;

/// The most that is kept of the standard error, in bytes.
const STDERR_LIMIT: usize = 2 << 10;

/// Where users have their numbers.
const PASSWD: &str = "/etc/passwd";

/// A program with its arguments and surroundings.
#[derive(Debug, Clone, PartialEq)]
pub struct Command {
    /// The program and its arguments; never empty.
    pub words: Vec<String>,
    /// The user that it runs as; none for our own. It gets the user's main group and no other.
    pub user: Option<String>,
    /// Its whole environment; values may be secrets.
    pub environment: BTreeMap<String, Secret>,
    /// How long it may take.
    pub timeout: Duration,
}

/// What came of a program.
#[derive(Debug, Clone, PartialEq)]
pub struct Output {
    /// The beginning of what it printed.
    pub stdout: String,
    /// The beginning of what it complained of.
    pub stderr: String,
    /// How it ended.
    pub end: End,
}

/// How a program ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// With this exit status.
    Status(i32),
    /// By this signal, which was not ours.
    Signal(i32),
    /// By us, after its time.
    TimedOut,
}

impl Command {
    /// Runs it to its end, which includes that its output is closed. `variable` is set besides its
    /// own. The error says why it could not be started. Where this future is dropped, the whole
    /// group is killed.
    pub async fn run(&self, variable: Option<(&str, &str)>) -> Result<Output, String> {
        let mut child = self.spawn(variable)?;
        let group = Group::of(&child);
        let mut stdout = Kept::new(STDOUT_LIMIT);
        let mut stderr = Kept::new(STDERR_LIMIT);
        let pipes = (child.stdout.take(), child.stderr.take());
        let finished = timeout(self.timeout, async {
            tokio::join!(stdout.fill(pipes.0), stderr.fill(pipes.1));
            // Not waited for before, so that its number stays its group's until here.
            child.wait().await
        });
        let end = match finished.await {
            Ok(status) => end_of(status.map_err(|error| error.to_string())?),
            Err(_) => {
                group.signal(Signal::SIGTERM);
                let is_gone = timeout(KILL_AFTER, child.wait()).await.is_ok();
                group.signal(Signal::SIGKILL);
                if !is_gone {
                    // It can't stand against that.
                    let _ = child.wait().await;
                }
                End::TimedOut
            }
        };
        group.let_go();
        Ok(Output {
            stdout: stdout.text(),
            stderr: stderr.text(),
            end,
        })
    }

    fn spawn(&self, variable: Option<(&str, &str)>) -> Result<Child, String> {
        let [program, arguments @ ..] = self.words.as_slice() else {
            return Err("there is no program to start".into());
        };
        let environment = self
            .environment
            .iter()
            .map(|(k, v)| (k.as_str(), v.reveal()));
        let mut command = tokio::process::Command::new(program);
        command
            .args(arguments)
            .env_clear()
            .envs(environment.chain(variable))
            .process_group(0)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let mut whom = String::new();
        if let Some(user) = &self.user {
            let passwd = std::fs::read_to_string(PASSWD)
                .map_err(|error| format!("can't look up the user {user}: {error}"))?;
            let (uid, gid) =
                numbers_of(user, &passwd).ok_or_else(|| format!("there is no user {user}"))?;
            command.uid(uid).gid(gid);
            whom = format!(" as user {user}");
        }
        command
            .spawn()
            .map_err(|error| format!("can't start {program}{whom}: {error}"))
    }
}

/// The user's number and that of the main group, from the text of `/etc/passwd`.
fn numbers_of(user: &str, passwd: &str) -> Option<(u32, u32)> {
    passwd.lines().find_map(|line| {
        let mut fields = line.split(':');
        if fields.next()? != user {
            return None;
        }
        let uid = fields.nth(1)?.parse().ok()?;
        let gid = fields.next()?.parse().ok()?;
        Some((uid, gid))
    })
}

fn end_of(status: ExitStatus) -> End {
    use std::os::unix::process::ExitStatusExt;
    match (status.code(), status.signal()) {
        (Some(code), _) => End::Status(code),
        (None, signal) => End::Signal(signal.unwrap_or_default()),
    }
}

/// A program's process group. Where it is dropped before it was let go it is killed, and in any
/// case its zombies are taken away: in a container, where this program is the first process, it
/// inherits every orphan, and nobody else would.
struct Group {
    number: Option<Pid>,
    is_let_go: bool,
}

impl Group {
    fn of(child: &Child) -> Self {
        let number = child.id().and_then(|id| i32::try_from(id).ok());
        Group {
            number: number.map(Pid::from_raw),
            is_let_go: false,
        }
    }

    fn signal(&self, signal: Signal) {
        if let Some(group) = self.number {
            // It fails only where nobody is left.
            let _ = killpg(group, signal);
        }
    }

    fn let_go(mut self) {
        self.is_let_go = true;
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        let Some(group) = self.number else { return };
        if !self.is_let_go {
            self.signal(Signal::SIGKILL);
        } else if is_reaped(group) {
            return;
        }
        // Without a runtime the program is at its end.
        if let Ok(runtime) = tokio::runtime::Handle::try_current() {
            runtime.spawn(async move {
                sleep(REAP_EVERY).await;
                while !is_reaped(group) {
                    sleep(REAP_EVERY).await;
                }
            });
        }
    }
}

/// Takes the zombies of a group away. Whether none of its processes is our child any more; until
/// then its number can't belong to another.
fn is_reaped(group: Pid) -> bool {
    let any_of_it = Pid::from_raw(-group.as_raw());
    loop {
        match waitpid(any_of_it, Some(WaitPidFlag::WNOHANG)) {
            Ok(WaitStatus::StillAlive) => return false,
            Ok(_) => {}
            Err(_) => return true,
        }
    }
}

/// The beginning of a stream.
struct Kept {
    bytes: Vec<u8>,
    limit: usize,
}

impl Kept {
    fn new(limit: usize) -> Self {
        Kept {
            bytes: Vec::new(),
            limit,
        }
    }

    /// Reads a stream to its end, so that its writer never waits for us.
    async fn fill(&mut self, stream: Option<impl AsyncRead + Unpin>) {
        let Some(mut stream) = stream else { return };
        let mut piece = [0; 4096];
        while let Ok(length @ 1..) = stream.read(&mut piece).await {
            let room = self.limit - self.bytes.len();
            self.bytes.extend(piece.iter().take(length.min(room)));
        }
    }

    /// The text. Of one that was too long, the last line is left out: it may have been cut in the
    /// middle of a number.
    fn text(&self) -> String {
        let mut bytes = self.bytes.as_slice();
        if bytes.len() == self.limit
            && let Some(end) = bytes.iter().rposition(|byte| *byte == b'\n')
        {
            bytes = bytes.get(..=end).unwrap_or(bytes);
        }
        String::from_utf8_lossy(bytes).into_owned()
    }
}

#[cfg(test)]
#[path = "command_tests.rs"]
mod tests;
