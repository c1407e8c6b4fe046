//! The local Mackerel's page as a person sees it, in a headless Chromium.

use std::path::Path;
use std::sync::Arc;

use chrono::DateTime;
use mackerel_ecs::demo::mackerel::LocalMackerel;
use mackerel_ecs::demo::mackerel::option::{ApiKey, Options};
use mackerel_ecs::demo::mackerel::store::Storage;
use mackerel_ecs::demo::serve::serve;
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, BufReader};
use tower::ServiceExt;

use crate::support::browser::Browser;
use crate::support::program::Program;

/// The end of a minute on which nothing else depends.
const NOW: i64 = 1_790_000_000;

/// A local Mackerel that the test fills through its API.
struct Server {
    mackerel: LocalMackerel,
    url: String,
}

impl Server {
    async fn start() -> Server {
        let clock = Arc::new(|| DateTime::from_timestamp(NOW, 0).unwrap());
        let options = Options::new(clock, vec![ApiKey::read_write("key")]);
        let mackerel = LocalMackerel::open(&Storage::Memory, options).unwrap();
        let address = serve(mackerel.router(), 0).await.unwrap();
        Server {
            mackerel,
            url: format!("http://{address}"),
        }
    }

    async fn post(&self, path: &str, body: &Value) -> Value {
        let request = http::Request::post(format!("/api/v0{path}"))
            .header("X-Api-Key", "key")
            .body(axum::body::Body::from(body.to_string()))
            .unwrap();
        let response = self.mackerel.router().oneshot(request).await.unwrap();
        assert_eq!(response.status(), 200, "{path} {body}");
        let body = http_body_util::BodyExt::collect(response.into_body()).await;
        serde_json::from_slice(&body.unwrap().to_bytes()).unwrap()
    }

    async fn host(&self, body: Value) -> String {
        let host = self.post("/hosts", &body).await;
        host["id"].as_str().unwrap().to_owned()
    }

    /// Posts a value for each of the last minutes for which the function has one.
    async fn fill(&self, host: &str, name: &str, minutes: i64, value: impl Fn(i64) -> Option<f64>) {
        let points: Vec<Value> = (0..minutes)
            .filter_map(|age| {
                let value = value(age)?;
                Some(
                    json!({ "hostId": host, "name": name, "time": NOW - age * 60, "value": value }),
                )
            })
            .collect();
        self.post("/tsdb", &Value::Array(points)).await;
    }
}

/// How many pixels of a graph have a colour, which only its lines have.
const COLOURED: &str = "const canvas = document.querySelector('.card canvas'); \
    const { data } = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height); let coloured = 0; \
    for (let at = 0; at < data.length; at += 4) { \
      const parts = [data[at], data[at + 1], data[at + 2]]; \
      if (data[at + 3] > 100 && Math.max(...parts) - Math.min(...parts) > 60) coloured += 1; } \
    return coloured;";

/// The graphs in view are drawn, with values.
const DRAWN: &str = "[...document.querySelectorAll('.card')].some((card) => card.card.plot) && \
    [...document.querySelectorAll('.card')].every((card) => !card.card.isInView || \
      (card.card.plot && !card.card.isStale && performance.getEntriesByName('graph').length > 0))";

/// The number of steps that the first graph was sent.
const STEPS: &str = "document.querySelector('.card').card.drawing.count";

#[tokio::test]
async fn a_person_watches_the_demo() {
    let mut demo = Program::new("demo").start();
    let mut lines = BufReader::new(demo.stdout.take().unwrap()).lines();
    let mut url = None;
    // The table comes when the first poll is posted.
    while let Some(line) = lines.next_line().await.unwrap() {
        if line.starts_with("The local Mackerel") {
            url = line
                .split_whitespace()
                .find(|word| word.starts_with("http"))
                .map(str::to_owned);
        }
        if line.starts_with("metrics requested") {
            break;
        }
    }
    let url = url.unwrap();
    let mut browser = Browser::start(1280, 1080).await;

    browser.go(&url).await;
    let names = "[...document.querySelectorAll('tr[data-host] small')].map((name) => name.textContent).sort()";
    let hosts = browser.run(&format!("return {names}")).await;
    assert_eq!(
        hosts,
        json!(["platform", "shop-batch", "shop-web", "staging"])
    );
    let filter = "const filter = document.querySelector('input[type=search]'); filter.value = 'SHOP web'; filter.dispatchEvent(new Event('input'));";
    browser.run(filter).await;
    assert_eq!(
        browser.run(&format!("return {names}")).await,
        json!(["shop-web"])
    );
    keep("hosts", &browser.screenshot().await);

    browser.click("tr[data-host] a").await;
    browser
        .wait("location.pathname.startsWith('/hosts/')")
        .await;
    browser.shown().await;
    browser.wait(DRAWN).await;
    let titles = browser
        .run("return [...document.querySelectorAll('.card h3')].map((title) => title.textContent)")
        .await;
    for title in [
        "ECS Service CPU Utilization",
        "ECS Service Tasks",
        "ECS Cluster Tasks",
    ] {
        assert!(
            titles.as_array().unwrap().contains(&json!(title)),
            "{title} in {titles}"
        );
    }
    assert_eq!(browser.run(&format!("return {STEPS}")).await, 181);
    assert!(
        browser.run(COLOURED).await.as_u64() > Some(500),
        "no line to see"
    );
    let legend = browser
        .run("return document.querySelector('.legend').textContent")
        .await;
    assert!(legend.as_str().unwrap().contains("storefront"), "{legend}");

    browser.click(".range .choices button:last-child").await;
    browser.wait(&format!("{STEPS} === 1441")).await;
    assert_eq!(browser.run("return location.search").await, "?period=24h");
    browser.run("history.back()").await;
    browser.wait(&format!("{STEPS} === 181")).await;
    browser.run("history.forward()").await;
    browser.wait(&format!("{STEPS} === 1441 && {DRAWN}")).await;
    keep("demo", &browser.screenshot().await);
    browser.prefer("dark").await;
    keep("demo-dark", &browser.screenshot().await);
    browser.resize(375, 812).await;
    browser
        .wait("document.querySelector('.card canvas').clientWidth < 375")
        .await;
    assert_eq!(
        browser
            .run("return document.documentElement.scrollWidth")
            .await,
        375
    );
    keep("demo-phone", &browser.screenshot().await);
    browser.prefer("light").await;
    browser.resize(1280, 1080).await;

    // A graph alone keeps the range that was chosen.
    browser.click(".card h3 a").await;
    browser
        .wait(&format!(
            "document.querySelector('.card.large') && {STEPS} === 1441"
        ))
        .await;
    browser.wait(DRAWN).await;
    browser.point(700.0, 300.0).await;
    browser
        .wait("document.querySelectorAll('.tooltip:not([hidden]) li').length > 3")
        .await;
    keep("graph", &browser.screenshot().await);

    browser.go(&format!("{url}services")).await;
    browser.click("th a[href*='/services/shop']").await;
    browser.wait("location.pathname === '/services/shop'").await;
    browser.shown().await;
    browser.wait(DRAWN).await;
    assert!(
        browser.run(COLOURED).await.as_u64() > Some(500),
        "no line to see"
    );
    browser
        .click(".head .choices[aria-label=Hosts] button:last-child")
        .await;
    browser
        .wait("document.querySelector('.legend').textContent.includes('shop-batch')")
        .await;
    keep("service", &browser.screenshot().await);
    browser.expect_no_complaint();
}

/// Leaves a picture for a person to look at.
fn keep(name: &str, picture: &[u8]) {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("screenshots");
    std::fs::create_dir_all(&folder).unwrap();
    std::fs::write(folder.join(format!("{name}.png")), picture).unwrap();
}
