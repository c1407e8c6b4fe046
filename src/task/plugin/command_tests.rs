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

/// Whoever does not listen to SIGTERM is killed; the wait for that is not sat out here.
#[tokio::test]
async fn a_group_is_killed_where_nobody_waits_for_it_any_more() {
    let (sender, receiver) = tokio::sync::oneshot::channel::<()>();
    let folder = std::env::temp_dir().join(format!("mackerel-ecs-{}", std::process::id()));
    let file = folder.with_extension("pid");
    let line = format!(
        "trap '' TERM; sleep 1000 & echo $! > {0}.x && mv {0}.x {0}; wait",
        file.display()
    );
    let command = shell(&line);
    let running = tokio::spawn(async move {
        let _alive = sender;
        command.run(None).await
    });
    let number = loop {
        match std::fs::read_to_string(&file) {
            Ok(number) => break number,
            Err(_) => tokio::time::sleep(Duration::from_millis(5)).await,
        }
    };
    std::fs::remove_file(&file).unwrap();
    running.abort();
    receiver.await.unwrap_err();
    wait_until_gone(number.trim()).await;
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
    let is_root = rustix::process::geteuid().is_root();
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
