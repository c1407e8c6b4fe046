//! How fast the page draws: from the first byte asked for until the last graph is on the screen.

use serde_json::{Value, json};

use super::server::{DRAWN, Server};
use crate::support::browser::Browser;

const DAY: i64 = 24 * 60;

/// The number of graphs, then in milliseconds when the last was drawn after the page was asked for, how long
/// a graph took from its own request on and from the arrival of its values on, both as medians.
const TIMES: &str = "const drawn = performance.getEntriesByName('graph'); \
    const median = (name) => { const took = performance.getEntriesByName(name).map((entry) => entry.duration).sort((a, b) => a - b); return took[took.length >> 1]; }; \
    return [drawn.length, Math.max(...drawn.map((entry) => entry.startTime + entry.duration)), median('graph'), median('draw')].map(Math.round);";

/// Not a test but the command behind `make bench-page`: a host with 30 graphs of a day, five lines each,
/// and a graph with 50 services of three lines each.
#[tokio::test]
#[ignore = "it measures; `make bench-page` runs it"]
#[expect(
    clippy::print_stdout,
    reason = "what was measured is for the person who asked"
)]
async fn many_graphs_of_a_day() {
    let server = Server::start().await;
    let id = server.host(json!({ "name": "large", "meta": {} })).await;
    let graph = |name: &str, leaves: &[&str]| {
        let metrics = leaves
            .iter()
            .map(|leaf| json!({ "name": format!("{name}.#.{leaf}") }));
        json!({ "name": format!("{name}.#"), "unit": "percentage", "metrics": metrics.collect::<Value>() })
    };
    let mut graphs: Vec<Value> = (0..30)
        .map(|number| graph(&format!("custom.graph{number:02}"), &["average"]))
        .collect();
    graphs.push(graph("custom.wide", &["minimum", "average", "maximum"]));
    server
        .post("/graph-defs/create", &Value::Array(graphs))
        .await;
    let wave =
        |seed: i64| move |age: i64| Some(50.0 + 40.0 * ((age * (seed + 1)) as f64 / 200.0).sin());
    for number in 0..30 {
        for line in 0..5 {
            let name = format!("custom.graph{number:02}.service{line}.average");
            server.fill(&id, &name, DAY, wave(line)).await;
        }
    }
    let wide = server.host(json!({ "name": "wide", "meta": {} })).await;
    for service in 0..50 {
        for (line, leaf) in ["minimum", "average", "maximum"].iter().enumerate() {
            let name = format!("custom.wide.service{service:02}.{leaf}");
            server
                .fill(&wide, &name, DAY, wave(service + line as i64))
                .await;
        }
    }
    let mut browser = Browser::start(1280, 900).await;
    for (what, host, height) in [
        ("30 graphs of 5 lines, those in view", &id, 900),
        ("30 graphs of 5 lines, all in view", &id, 8000),
        ("one graph of 150 lines", &wide, 900),
    ] {
        browser.resize(1280, height).await;
        for round in 1..=3 {
            browser
                .go(&format!("{}/hosts/{host}?period=24h", server.url))
                .await;
            browser.wait(DRAWN).await;
            let times = browser.run(TIMES).await;
            println!(
                "{what}, round {round}: {} drawn after {} ms; each in {} ms, of these {} ms in the browser",
                times[0], times[1], times[2], times[3]
            );
        }
    }
    browser.point(500.0, 300.0).await;
    browser
        .wait("document.querySelector('.tooltip:not([hidden]) li')")
        .await;
    super::keep("wide", &browser.screenshot().await);
    browser.expect_no_complaint();
}
