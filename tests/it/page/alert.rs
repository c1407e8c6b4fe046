//! Alerts on the page.

use mackerel_ecs::demo::mackerel::store::alert::Which;
use serde_json::json;

use super::keep;
use super::server::Server;
use crate::support::browser::Browser;

/// Alerts are told where they are: with the host, and in the list of all.
#[tokio::test]
async fn alerts_are_seen() {
    let server = Server::start().await;
    let id = server.host(json!({ "name": "one", "meta": {} })).await;
    let monitor = json!({
        "type": "host", "name": "queue is long", "metric": "custom.queue.length",
        "operator": ">", "critical": 5, "duration": 1,
    });
    server.post("/monitors", &monitor).await;
    server
        .fill(&id, "custom.queue.length", 2, |_| Some(7.0))
        .await;
    let mut browser = Browser::start(1000, 700).await;
    browser.go(&server.url).await;
    browser.click("td[data-label=Alerts] a").await;
    browser.wait("location.pathname === '/alerts'").await;
    browser.shown().await;
    let row = "return [...document.querySelectorAll('[data-alert] td')].slice(0, 4).map((cell) => cell.innerText)";
    assert_eq!(
        browser.run(row).await,
        json!([
            "CRITICAL",
            "queue is long\nhost",
            "one",
            "custom.queue.length is 7"
        ])
    );
    keep("alerts", &browser.screenshot().await);
    browser.click("[data-alert] a").await;
    browser
        .wait("document.querySelector('.facts')?.textContent.includes('1 open alert')")
        .await;
    let alerts = server.mackerel.alerts(Which::Open);
    server
        .post(
            &format!("/alerts/{}/close", alerts[0].id),
            &json!({ "reason": "it is fine" }),
        )
        .await;
    browser.go(&format!("{}/alerts", server.url)).await;
    let text = browser
        .run("return document.querySelector('main').innerText")
        .await;
    let text = text.as_str().unwrap();
    assert!(
        text.contains("No alert is open") && text.contains("it is fine"),
        "{text}"
    );
    browser.expect_no_complaint();
}
