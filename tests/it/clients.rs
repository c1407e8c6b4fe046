//! Public clients of Mackerel against `serve`: each is a program of its own that walks through its calls and
//! fails at an answer that it cannot read (`tests/client/`).

use std::path::{Path, PathBuf};

use tokio::process::Command;

use crate::support::moto::interpreter;
use crate::support::served::Served;

fn file(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

/// Runs a program, which is handed the server's address behind its arguments.
async fn walk(program: PathBuf, arguments: &[PathBuf]) -> Served {
    let served = Served::start("").await;
    let shown = program.display().to_string();
    let output = Command::new(program)
        .args(arguments)
        .arg(format!("http://{}", served.address))
        .output()
        .await;
    let output = match output {
        Ok(output) => output,
        Err(error) => panic!("{shown}: {error}; run `make test`, which builds it"),
    };
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
    served
}

#[tokio::test]
async fn the_crate_mackerel_client_reads_every_answer() {
    let program = file("target/client/debug/client-trial");
    let served = walk(program, &[]).await;
    let alerts = served.get("/api/v0/alerts?withClosed=true").await;
    let alerts = alerts["alerts"].as_array().unwrap();
    assert_eq!(alerts.len(), 2);
    assert!(alerts.iter().all(|alert| alert["reason"] == "tried"));
    let services = served.get("/api/v0/services").await;
    assert_eq!(services["services"].as_array().unwrap().len(), 0);
}

#[tokio::test]
async fn the_package_mackerel_client_reads_every_answer() {
    let served = walk(interpreter(), &[file("tests/client/trial.py")]).await;
    let names = served.get("/api/v0/services/shop/metric-names").await;
    assert_eq!(names["names"][0], "beat");
}
