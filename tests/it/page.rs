//! The local Mackerel's page as a person sees it, in a headless Chromium.

mod alert;
mod server;
mod speed;

use std::path::Path;

use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, BufReader};

use crate::support::browser::Browser;
use crate::support::program::Program;
use crate::support::served::request;
use server::{DRAWN, NOW, Server};

/// How many pixels of a graph have a colour, which only its lines have.
const COLOURED: &str = "const canvas = document.querySelector('.card canvas'); \
    const { data } = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height); let coloured = 0; \
    for (let at = 0; at < data.length; at += 4) { \
      const parts = [data[at], data[at + 1], data[at + 2]]; \
      if (data[at + 3] > 100 && Math.max(...parts) - Math.min(...parts) > 60) coloured += 1; } \
    return coloured;";

/// The number of steps that the first graph was sent.
const STEPS: &str = "document.querySelector('.card').card.drawing.count";

#[tokio::test]
async fn a_person_watches_the_demo() {
    let mut demo = Program::new("demo").start();
    let mut lines = BufReader::new(demo.stdout.take().unwrap()).lines();
    let mut url = String::new();
    while let Some(line) = lines.next_line().await.unwrap() {
        if line.starts_with("The local Mackerel") {
            let mut words = line.split_whitespace();
            let found = words.find(|word| word.starts_with("http"));
            url = found.unwrap().to_owned();
        }
        // The table of a poll ends with this. On a busy machine the first poll reads a day and comes to nothing else.
        if line.starts_with("metrics requested") && has_definitions(&url).await {
            break;
        }
    }
    let mut browser = Browser::start(1280, 980).await;

    browser.go(&url).await;
    let names = "[...document.querySelectorAll('tr[data-host] small')].map((name) => name.textContent).sort()";
    let hosts = browser.run(&format!("return {names}")).await;
    assert_eq!(
        hosts,
        json!(["platform", "shop-batch", "shop-web", "staging"])
    );
    let filter = "const filter = document.querySelector('input[type=search]'); filter.value = 'SHOP-batch work'; filter.dispatchEvent(new Event('input'));";
    browser.run(filter).await;
    assert_eq!(
        browser.run(&format!("return {names}")).await,
        json!(["shop-batch"])
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
    assert!(legend.as_str().unwrap().contains("log-router"), "{legend}");

    browser.click(".range .choices button:last-child").await;
    browser.wait(&format!("{STEPS} === 1441")).await;
    assert_eq!(browser.run("return location.search").await, "?period=24h");
    browser.run("history.back()").await;
    browser.wait(&format!("{STEPS} === 181")).await;
    browser.run("history.forward()").await;
    browser.wait(&format!("{STEPS} === 1441 && {DRAWN}")).await;
    browser.point(1000.0, 680.0).await;
    browser
        .wait("document.querySelectorAll('.tooltip:not([hidden]) li').length === 3")
        .await;
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
    browser.resize(1280, 980).await;

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
    // What is drawn over with the mouse becomes the range, which no longer moves on.
    browser.drag((400.0, 300.0), (700.0, 300.0)).await;
    browser
        .wait("/^\\?graph=.*&from=\\d+&to=\\d+$/.test(location.search)")
        .await;
    browser.wait(DRAWN).await;
    let fields = "const form = document.querySelector('.free form'); \
        const [from, to] = form.querySelectorAll('input'); [from.value, to.value] = [to.value.slice(0, 11) + '03:00', to.value.slice(0, 11) + '04:30']; \
        form.requestSubmit();";
    browser.run(fields).await;
    browser.wait(&format!("{STEPS} === 91")).await;

    browser.go(&format!("{url}alerts")).await;
    let alert = "return document.querySelector('[data-alert]').innerText";
    let alert = browser.run(alert).await;
    let alert = alert.as_str().unwrap();
    assert!(
        alert.contains("running_task.recommendations.count is 0"),
        "{alert}"
    );

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

/// Whether the graphs have the titles of their definitions.
async fn has_definitions(url: &str) -> bool {
    let address = url.trim_start_matches("http://").trim_end_matches('/');
    let path = "/page/data/services/shop";
    let answer = request(address.parse().unwrap(), "GET", path, "").await;
    answer.unwrap().1.contains("ECS Service Tasks")
}

/// What a person may name anything must stay text, wherever it is shown.
#[tokio::test]
async fn names_are_text() {
    const EVIL: &str =
        "<img src=x onerror=\"window.struck=1\"><script>window.struck=1</script>'&amp;";
    let server = Server::start().await;
    let id = server
        .host(json!({
            "name": EVIL,
            "displayName": format!("display {EVIL}"),
            "memo": EVIL,
            "customIdentifier": EVIL,
            "roleFullnames": ["shop:web"],
            "checks": [{ "name": "disk", "memo": EVIL }],
            "meta": { "agent-name": EVIL, "cloud": { "provider": EVIL, "metadata": { EVIL: [EVIL] } } },
        }))
        .await;
    let graph = json!([{
        "name": "custom.a.#",
        "displayName": EVIL,
        "metrics": [{ "name": "custom.a.#.b", "displayName": format!("%1 {EVIL}"), "isStacked": true }],
    }]);
    server.post("/graph-defs/create", &graph).await;
    server
        .fill(&id, "custom.a.x.b", 30, |age| Some(age as f64))
        .await;
    let report = |name: &str, time: i64| json!({ "source": { "type": "host", "hostId": id }, "name": name, "status": "CRITICAL", "message": EVIL, "occurredAt": time });
    // No calendar holds the second one's time.
    let report = json!({ "reports": [report("disk", NOW), report("odd", i64::MAX)] });
    server.post("/monitoring/checks/report", &report).await;
    let mut browser = Browser::start(1000, 800).await;
    for path in [
        "",
        &format!("hosts/{id}"),
        &format!("hosts/{id}?graph=custom.a.%23"),
        "services/shop?by=host",
        "hosts/%3Cimg%20src=x%3E",
        "services/%3Cb%3E",
    ] {
        browser.go(&format!("{}/{path}", server.url)).await;
        if path.contains("graph=") || path.contains("by=") {
            browser.wait(DRAWN).await;
            browser
                .run("document.querySelector('.stage').focus()")
                .await;
            browser.press("ArrowLeft").await;
            browser
                .wait("document.querySelector('.tooltip:not([hidden]) li')")
                .await;
        }
        let made = browser
            .run("return document.querySelectorAll('main img, main script, main b > b').length")
            .await;
        assert_eq!(made, 0, "{path} has made markup of a name");
        assert_eq!(
            browser.run("return window.struck ?? null").await,
            Value::Null,
            "{path}"
        );
        let text = browser
            .run("return document.querySelector('main').textContent")
            .await;
        let is_shown = text.as_str().unwrap().contains("<img") || path.contains("%3C");
        assert!(is_shown, "{path} does not show the name: {text}");
    }
    // The policy stops what gets through all the same.
    let inline = "const script = document.createElement('script'); \
        try { script.textContent = 'window.struck = 1'; document.body.append(script); } catch { } \
        return window.struck ?? null;";
    assert_eq!(browser.run(inline).await, Value::Null);
}

/// What is drawn is what was posted: units, gaps, sums, and what is read with the keyboard.
#[tokio::test]
async fn a_graph_tells_what_was_posted() {
    let server = Server::start().await;
    let meta = json!({ "agent-name": "mackerel-container-agent/0.13.2", "cloud": { "provider": "fargate" } });
    let task = |name: &str| json!({ "name": name, "meta": meta, "roleFullnames": ["shop:web"] });
    let (one, two) = (
        server.host(task("one")).await,
        server.host(task("two")).await,
    );
    for id in [&one, &two] {
        server
            .fill(id, "container.memory.app.usage", 60, |_| {
                Some(1536.0 * 1024.0 * 1024.0)
            })
            .await;
        server
            .fill(id, "interface.eth0.rxBytes.delta", 60, |_| Some(2048.0))
            .await;
    }
    server
        .fill(&one, "container.cpu.app.usage", 60, |age| {
            (age != 5).then_some(12.5)
        })
        .await;
    server
        .fill(&two, "container.cpu.app.usage", 60, |_| Some(30.0))
        .await;
    server
        .fill(&one, "custom.queue.length", 60, |_| Some(7.0))
        .await;
    let old = server.host(json!({ "name": "old", "meta": {} })).await;
    server
        .post(&format!("/hosts/{old}/retire"), &json!({}))
        .await;
    let mut browser = Browser::start(375, 700).await;

    browser.go(&server.url).await;
    let rows = |at: u8| {
        format!(
            "return [...document.querySelectorAll('table')[{at}].querySelectorAll('tbody tr')].map((row) => row.querySelector('th').textContent)"
        )
    };
    assert_eq!(browser.run(&rows(0)).await, json!(["one", "two"]));
    assert_eq!(browser.run(&rows(1)).await, json!(["old"]));
    let kind = "return document.querySelector('td[data-label=Kind]').textContent";
    assert_eq!(browser.run(kind).await, "fargate");

    browser
        .go(&format!("{}/hosts/{one}?period=30m", server.url))
        .await;
    browser.resize(375, 4000).await;
    browser
        .wait("document.querySelectorAll('.card canvas').length === 4")
        .await;
    let told = browser.run("return [...document.querySelectorAll('.card')].map((card) => [card.querySelector('h3').textContent, card.querySelector('.unit').textContent, card.querySelector('.legend td:last-child:not(:empty)').textContent])").await;
    assert_eq!(
        told,
        json!([
            ["Container CPU", "%", "12.5 %"],
            ["Container memory", "bytes", "1.5 GiB"],
            ["Network", "bytes/s", "2 KiB/s"],
            ["custom.queue", "", "7"],
        ])
    );
    assert_eq!(
        browser
            .run("return document.documentElement.scrollWidth")
            .await,
        375
    );
    // The keyboard reads: the last minute, and the one that is missing.
    browser
        .run("document.querySelector('.stage').focus()")
        .await;
    browser.press("End").await;
    browser
        .wait("document.querySelector('[aria-live]').textContent.includes('app usage 12.5 %')")
        .await;
    browser.press("Home").await;
    for _ in 0..25 {
        browser.press("ArrowRight").await;
    }
    browser
        .wait("document.querySelector('[aria-live]').textContent.includes('no value')")
        .await;
    browser
        .wait("document.querySelector('.tooltip:not([hidden])').textContent.includes('no value')")
        .await;
    let gaps = "return document.querySelector('.card').card.plot.data[1].map((value, place) => value === null ? place : null).filter((place) => place !== null)";
    assert_eq!(browser.run(gaps).await, json!([25]));

    // The sum has the gap too, for the one host alone would look like both.
    browser
        .go(&format!(
            "{}/services/shop/web?period=30m&by=sum&graph=container.cpu.%23",
            server.url
        ))
        .await;
    browser.wait(DRAWN).await;
    assert_eq!(browser.run(gaps).await, json!([25]));
    let newest = "return document.querySelector('.legend td:last-child').textContent";
    assert_eq!(browser.run(newest).await, "42.5 %");
    let pressed = "return [...document.querySelectorAll('.path .choices button')].map((button) => button.getAttribute('aria-pressed'))";
    assert_eq!(browser.run(pressed).await, json!(["true", "false"]));
    browser.click(".path .choices button:last-child").await;
    assert_eq!(browser.run(pressed).await, json!(["false", "true"]));
    browser
        .wait("document.querySelectorAll('.legend tbody tr').length === 2")
        .await;
    browser.click(".legend tbody tr:last-child button").await;
    browser
        .wait("document.querySelector('.card').card.plot.series.length === 2")
        .await;
    assert_eq!(
        browser
            .run("return document.querySelector('.legend tbody tr:not(.off) button').textContent")
            .await,
        "two app"
    );
    browser.expect_no_complaint();
}

/// Leaves a picture for a person to look at.
fn keep(name: &str, picture: &[u8]) {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("screenshots");
    std::fs::create_dir_all(&folder).unwrap();
    std::fs::write(folder.join(format!("{name}.png")), picture).unwrap();
}
