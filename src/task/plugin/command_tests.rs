use super::*;

fn shell(line: &str) -> Command {
    Command {
        words: ["/bin/sh", "-c", line].map(str::to_owned).to_vec(),
        user: None,
        environment: BTreeMap::from([("PATH".into(), Secret::new("/usr/bin:/bin"))]),
        timeout: Duration::from_secs(20),
    }
}

#[tokio::test]
async fn output_and_status_come_back() {
    let output = shell("echo out; echo err >&2; exit 3")
        .run(None)
        .await
        .unwrap();
    assert_eq!(
        output,
        Output {
            stdout: "out\n".into(),
            stderr: "err\n".into(),
            end: End::Status(3),
        }
    );
    let output = shell("kill -9 $$").run(None).await.unwrap();
    assert_eq!(output.end, End::Signal(9));
}

#[tokio::test]
async fn the_environment_is_what_was_given_and_no_more() {
    let mut command = shell("env | sort | grep -v -e ^PWD= -e ^_= -e ^SHLVL=");
    command.environment.insert("A".into(), Secret::new("b c"));
    let output = command.run(Some(("META", "1"))).await.unwrap();
    assert_eq!(output.stdout, "A=b c\nMETA=1\nPATH=/usr/bin:/bin\n");
}

#[tokio::test]
async fn much_output_neither_blocks_nor_stays() {
    let output = shell("yes 'a 1 0' | head -c 3000000; yes e | head -c 100000 >&2; echo end")
        .run(None)
        .await
        .unwrap();
    assert_eq!(output.end, End::Status(0));
    assert!(output.stdout.len() <= STDOUT_LIMIT && output.stdout.len() > STDOUT_LIMIT - 10);
    assert!(output.stdout.ends_with("a 1 0\n"));
    assert_eq!(output.stderr.len(), STDERR_LIMIT);
}

/// The child of the shell outlives it unless the whole group is ended.
#[tokio::test]
async fn after_its_time_the_whole_group_is_ended() {
    let mut command = shell("sleep 1000 & echo $! $$; wait");
    command.timeout = Duration::from_millis(300);
    let output = command.run(None).await.unwrap();
    assert_eq!(output.end, End::TimedOut);
    for number in output.stdout.split_whitespace() {
        wait_until_gone(number).await;
    }
}

/// It is told to end before it is killed, so that it can take its things away.
#[tokio::test]
async fn whoever_listens_may_tidy_up() {
    let name = format!("mackerel-ecs-tidy-{}", std::process::id());
    let file = std::env::temp_dir().join(name);
    let mut command = shell(&format!(
        "trap 'echo bye > {}; exit 0' TERM; sleep 1000 & wait",
        file.display()
    ));
    command.timeout = Duration::from_millis(300);
    assert_eq!(command.run(None).await.unwrap().end, End::TimedOut);
    assert_eq!(std::fs::read_to_string(&file).unwrap(), "bye\n");
    std::fs::remove_file(&file).unwrap();
}

/// Runs a shell that does not listen to SIGTERM until it and its child are under way; gives their
/// numbers with the run.
async fn deaf(name: &str) -> (Vec<String>, tokio::task::JoinHandle<Result<Output, String>>) {
    let name = format!("mackerel-ecs-{name}-{}", std::process::id());
    let file = std::env::temp_dir().join(name);
    let path = file.display();
    let command = shell(&format!(
        "trap '' TERM; sleep 1000 & echo $$ $! > {path}.new; mv {path}.new {path}; wait"
    ));
    let running = tokio::spawn(async move { command.run(None).await });
    let numbers = loop {
        match std::fs::read_to_string(&file) {
            Ok(numbers) => break numbers,
            Err(_) => tokio::time::sleep(Duration::from_millis(5)).await,
        }
    };
    std::fs::remove_file(&file).unwrap();
    let numbers = numbers.split_whitespace().map(str::to_owned);
    (numbers.collect(), running)
}

#[tokio::test]
async fn whoever_does_not_listen_is_killed() {
    let (numbers, running) = deaf("killed").await;
    // The clock jumps to the end of its time, and to the end of the patience after that.
    tokio::time::pause();
    let before = tokio::time::Instant::now();
    assert_eq!(running.await.unwrap().unwrap().end, End::TimedOut);
    assert!(before.elapsed() > KILL_AFTER);
    for number in numbers {
        wait_until_gone(&number).await;
    }
}

#[tokio::test]
async fn a_group_is_killed_where_nobody_waits_for_it_any_more() {
    let (numbers, running) = deaf("dropped").await;
    running.abort();
    assert!(running.await.unwrap_err().is_cancelled());
    for number in numbers {
        wait_until_gone(&number).await;
    }
}

/// The tests' process inherits the orphan here, as the first process of a container does.
#[tokio::test]
async fn an_orphan_leaves_no_zombie() {
    nix::sys::prctl::set_child_subreaper(true).unwrap();
    let output = shell("sleep 0.3 >/dev/null 2>&1 & echo $!")
        .run(None)
        .await
        .unwrap();
    assert_eq!(output.end, End::Status(0));
    let stat = format!("/proc/{}/stat", output.stdout.trim());
    assert!(std::fs::exists(&stat).unwrap(), "it outlives the program");
    tokio::time::pause();
    while std::fs::exists(&stat).unwrap() {
        tokio::time::sleep(REAP_EVERY).await;
    }
}

/// A program that ends while a child of it holds its output has not ended.
#[tokio::test]
async fn open_output_counts_as_running() {
    let mut command = shell("echo first; sleep 1000 & exit 0");
    command.timeout = Duration::from_millis(300);
    let output = command.run(None).await.unwrap();
    assert_eq!(output.end, End::TimedOut);
    assert_eq!(output.stdout, "first\n");
}

#[tokio::test]
async fn what_cannot_start_says_why() {
    let check = async |command: Command, expected: &str| {
        let error = command.run(None).await.unwrap_err();
        assert!(error.contains(expected), "{error}");
    };
    let mut command = shell("");
    command.words = vec!["/no/such/program".into(), "canary".into()];
    check(
        command.clone(),
        "can't start /no/such/program: No such file",
    )
    .await;
    command.user = Some("nobody-of-that-name".into());
    check(command.clone(), "there is no user nobody-of-that-name").await;
    command.words.clear();
    check(command, "there is no program").await;
}

/// Where the tests may not become another user, the program says so.
#[tokio::test]
async fn a_user_is_another_one() {
    let mut command = shell("id -un; id -Gn");
    command.user = Some("nobody".into());
    let is_root = nix::unistd::geteuid().is_root();
    match command.run(None).await {
        Ok(output) if is_root => {
            let mut lines = output.stdout.lines();
            assert_eq!(lines.next(), Some("nobody"));
            let groups = lines.next().unwrap();
            assert!(["nogroup", "nobody"].contains(&groups), "{groups}");
        }
        Err(error) if !is_root => assert!(error.contains("as user nobody"), "{error}"),
        other => panic!("{other:?}"),
    }
}

#[test]
fn users_are_looked_up_by_name() {
    let passwd = "root:x:0:0:root:/root:/bin/bash\nweb:x:33:34:web:/var/www:/bin/false\nbad:x\n";
    assert_eq!(numbers_of("web", passwd), Some((33, 34)));
    assert_eq!(numbers_of("root", passwd), Some((0, 0)));
    assert_eq!(numbers_of("bad", passwd), None);
    assert_eq!(numbers_of("we", passwd), None);
}

/// A process is gone, or a zombie that waits for whoever inherited it.
async fn wait_until_gone(number: &str) {
    loop {
        match std::fs::read_to_string(format!("/proc/{number}/stat")) {
            Err(_) => return,
            Ok(stat) if stat.contains(") Z ") => return,
            Ok(_) => tokio::time::sleep(Duration::from_millis(5)).await,
        }
    }
}
