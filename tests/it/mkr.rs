//! The calls of `mkr`, Mackerel's own command line tool, against `serve`. The program is not at hand to be run here, so
//! that its requests are replayed to the byte as its Go sends them: a question mark behind each path, queries in the order
//! of their keys, `null` for an empty list or body, `>` as `\u003e`, a line feed behind each JSON. What is asserted is what
//! `mkr` would read.

use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;

use crate::support::served::Served;

/// One run of `mkr`: its calls go over one connection.
struct Mkr(BufReader<TcpStream>);

impl Mkr {
    async fn run(served: &Served) -> Self {
        Self(BufReader::new(
            TcpStream::connect(served.address).await.unwrap(),
        ))
    }

    async fn call(&mut self, method: &str, path: &str, body: &str) -> (u16, Value) {
        let mark = if path.contains('?') { "" } else { "?" };
        let mut request = format!(
            "{method} /api/v0/{path}{mark} HTTP/1.1\r\nHost: {}\r\nUser-Agent: mackerel-client-go\r\n",
            self.0.get_ref().peer_addr().unwrap()
        );
        if !body.is_empty() {
            request += &format!("Content-Length: {}\r\n", body.len() + 1);
        }
        if method != "GET" {
            request += "Content-Type: application/json\r\n";
        }
        request += "X-Api-Key: local\r\nAccept-Encoding: gzip\r\n\r\n";
        if !body.is_empty() {
            request += &format!("{body}\n");
        }
        self.0.write_all(request.as_bytes()).await.unwrap();
        let mut status = 0;
        let mut length = 0;
        loop {
            let mut line = String::new();
            self.0.read_line(&mut line).await.unwrap();
            let line = line.trim_end();
            if let Some(rest) = line.strip_prefix("HTTP/1.1 ") {
                status = rest[..3].parse().unwrap();
            } else if let Some(rest) = line.strip_prefix("content-length: ") {
                length = rest.parse().unwrap();
            } else if line.is_empty() {
                break;
            }
        }
        let mut answer = vec![0; length];
        self.0.read_exact(&mut answer).await.unwrap();
        (status, serde_json::from_slice(&answer).unwrap())
    }

    async fn ask(&mut self, method: &str, path: &str, body: &str) -> Value {
        let (status, answer) = self.call(method, path, body).await;
        assert_eq!(status, 200, "{method} {path} {body}: {answer}");
        answer
    }

    async fn get(&mut self, path: &str) -> Value {
        self.ask("GET", path, "").await
    }

    /// For what is answered with nothing but a success.
    async fn tell(&mut self, method: &str, path: &str, body: &str) {
        assert_eq!(
            self.ask(method, path, body).await,
            json!({ "success": true })
        );
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "the server lives in the real time"
)]
fn now() -> i64 {
    chrono::Utc::now().timestamp()
}

/// `mkr create --roleFullname shop:web NAME`, and the id that it prints.
async fn create(served: &Served, name: &str) -> String {
    let body = format!(
        r#"{{"name":"{name}","meta":{{}},"interfaces":null,"roleFullnames":["shop:web"],"checks":null}}"#
    );
    let made = Mkr::run(served).await.ask("POST", "hosts", &body).await;
    made["id"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn hosts_are_created_found_updated_and_retired() {
    let served = Served::start("").await;
    // mkr org; mkr services
    let mut mkr = Mkr::run(&served).await;
    assert_eq!(mkr.get("org").await["name"], "local");
    assert_eq!(mkr.get("services").await, json!({ "services": [] }));

    // mkr create --status maintenance --roleFullname shop:web --customIdentifier web01.example --memo m web01
    let mut mkr = Mkr::run(&served).await;
    let body = r#"{"name":"web01","memo":"m","meta":{},"interfaces":null,"roleFullnames":["shop:web"],"checks":null,"customIdentifier":"web01.example"}"#;
    let id = mkr.ask("POST", "hosts", body).await["id"].clone();
    let id = id.as_str().unwrap();
    let path = format!("hosts/{id}");
    let status = format!("{path}/status");
    mkr.tell("POST", &status, r#"{"status":"maintenance"}"#)
        .await;

    // mkr status --verbose ID
    let mut mkr = Mkr::run(&served).await;
    let mut host = mkr.get(&path).await["host"].clone();
    let created = host["createdAt"].as_i64().unwrap();
    assert!((now() - 600..=now()).contains(&created));
    host.as_object_mut().unwrap().remove("createdAt");
    let shown = json!({ "id": id, "name": "web01", "customIdentifier": "web01.example", "size": "standard",
        "status": "maintenance", "memo": "m", "roles": { "shop": ["web"] }, "isRetired": false, "meta": {},
        "interfaces": [] });
    assert_eq!(host, shown);
    let names = mkr.get(&format!("{path}/metric-names")).await;
    assert_eq!(names, json!({ "names": [] }));

    // mkr hosts; mkr hosts --service shop --role web --role db --status maintenance --name web01
    let mut mkr = Mkr::run(&served).await;
    assert_eq!(mkr.get("hosts").await, json!({ "hosts": [] }));
    let query = "hosts?name=web01&role=web&role=db&service=shop&status=maintenance";
    let hosts = mkr.get(query).await;
    assert_eq!(hosts["hosts"].as_array().unwrap().len(), 1);

    // mkr update --name web02 --displayName Web --status working --roleFullname shop:db ID
    let mut mkr = Mkr::run(&served).await;
    mkr.tell("POST", &status, r#"{"status":"working"}"#).await;
    let host = mkr.get(&path).await["host"].clone();
    let body = format!(
        r#"{{"name":"web02","displayName":"Web","memo":{},"meta":{},"interfaces":{},"roleFullnames":["shop:db"],"checks":null}}"#,
        host["memo"], host["meta"], host["interfaces"]
    );
    assert_eq!(mkr.ask("PUT", &path, &body).await, json!({ "id": id }));
    let host = mkr.get(&path).await["host"].clone();
    let kept = ["name", "displayName", "memo", "customIdentifier", "status"].map(|key| &host[key]);
    assert_eq!(kept, ["web02", "Web", "m", "web01.example", "working"]);
    assert_eq!(host["roles"], json!({ "shop": ["db", "web"] }));

    // mkr update --overwriteRoles --roleFullname ops:all ID; then without a role, which takes all away
    for (roles, left) in [
        (r#"["ops:all"]"#, json!({ "ops": ["all"] })),
        ("null", json!({})),
    ] {
        let mut mkr = Mkr::run(&served).await;
        let body = format!(r#"{{"roleFullnames":{roles}}}"#);
        mkr.tell("PUT", &format!("{path}/role-fullnames"), &body)
            .await;
        let body = r#"{"name":"web02","displayName":"Web","memo":"m","meta":{},"interfaces":[],"roleFullnames":null,"checks":null}"#;
        mkr.ask("PUT", &path, body).await;
        assert_eq!(mkr.get(&path).await["host"]["roles"], left);
    }

    // mkr retire --force ID ID: the newest version sends null, older ones a string of two braces
    let other = create(&served, "other").await;
    let mut mkr = Mkr::run(&served).await;
    mkr.tell("POST", &format!("{path}/retire"), "null").await;
    mkr.tell("POST", &format!("hosts/{other}/retire"), r#""{}""#)
        .await;
    assert_eq!(mkr.get(&path).await["host"]["isRetired"], true);
    let (status, error) = mkr.call("POST", "hosts/none/retire", "null").await;
    assert_eq!(
        (status, &error["error"]["message"]),
        (404, &json!("host not found"))
    );
}

#[tokio::test]
async fn values_are_thrown_and_read() {
    let served = Served::start("").await;
    let (one, two) = (create(&served, "one").await, create(&served, "two").await);
    let minute = now() / 60 * 60;

    // echo "tcp.CLOSING 0 TIME" | mkr throw --host ID; echo "requests 1.5 TIME" | mkr throw --service shop
    let mut mkr = Mkr::run(&served).await;
    let body = format!(
        r#"[{{"hostId":"{one}","name":"custom.tcp.CLOSING","time":{minute},"value":0}},{{"hostId":"{one}","name":"custom.tcp.OPEN","time":{minute},"value":1e+21}}]"#
    );
    mkr.tell("POST", "tsdb", &body).await;
    let body = format!(r#"[{{"name":"requests","time":{minute},"value":1.5}}]"#);
    mkr.tell("POST", "services/shop/tsdb", &body).await;
    let (status, _) = mkr.call("POST", "services/none/tsdb", &body).await;
    assert_eq!(status, 404);

    // mkr metric-names --host ID; --service shop
    let mut mkr = Mkr::run(&served).await;
    let names = mkr.get(&format!("hosts/{one}/metric-names")).await;
    assert_eq!(
        names["names"],
        json!(["custom.tcp.CLOSING", "custom.tcp.OPEN"])
    );
    let names = mkr.get("services/shop/metric-names").await;
    assert_eq!(names["names"], json!(["requests"]));

    // mkr metrics --host ID --name custom.tcp.CLOSING, which reads from the epoch on; --service shop --name requests
    let mut mkr = Mkr::run(&served).await;
    let span = format!("from=0&name=custom.tcp.CLOSING&to={minute}");
    let values = mkr.get(&format!("hosts/{one}/metrics?{span}")).await;
    assert_eq!(values["metrics"], json!([{ "time": minute, "value": 0.0 }]));
    let span = format!("from={minute}&name=requests&to={minute}");
    let values = mkr.get(&format!("services/shop/metrics?{span}")).await;
    assert_eq!(values["metrics"], json!([{ "time": minute, "value": 1.5 }]));

    // mkr fetch --name custom.tcp.OPEN --name loadavg5 ID ID
    let query = format!("hostId={one}&hostId={two}&name=custom.tcp.OPEN&name=loadavg5");
    let mut mkr = Mkr::run(&served).await;
    let latest = mkr.get(&format!("tsdb/latest?{query}")).await;
    let open = json!({ "time": minute, "value": 1e21 });
    assert_eq!(
        latest["tsdbLatest"],
        json!({ one: { "custom.tcp.OPEN": open, "loadavg5": null },
            two: { "custom.tcp.OPEN": null, "loadavg5": null } })
    );
}

#[tokio::test]
async fn monitors_are_pushed_and_alerts_are_closed() {
    let served = Served::start("").await;
    let id = create(&served, "one").await;

    // mkr monitors push, of a file with new rules; mkr monitors pull
    let mut mkr = Mkr::run(&served).await;
    let mut ids = Vec::new();
    for rule in [
        r#"{"type":"connectivity","scopes":["shop"]}"#,
        r#"{"name":"queue","type":"host","metric":"custom.queue","operator":"\u003e","warning":null,"critical":5,"duration":1,"maxCheckAttempts":1,"scopes":["shop: web"]}"#,
        r#"{"name":"beat","type":"service","service":"shop","metric":"beat","operator":"\u003c","warning":1,"critical":null,"duration":3,"missingDurationWarning":20}"#,
        r#"{"name":"site","type":"external","method":"GET","url":"https://example.com","headers":null}"#,
        r#"{"name":"sum","type":"expression","expression":"sum(role(shop:web, custom.queue))","operator":"\u003e","warning":3,"critical":null}"#,
    ] {
        let made = mkr.ask("POST", "monitors", rule).await;
        ids.push(made["id"].as_str().unwrap().to_owned());
    }
    let pulled = mkr.get("monitors").await;
    let pulled = pulled["monitors"].as_array().unwrap();
    assert_eq!(pulled.len(), 5);
    let found = |name: &str| {
        let mut rules = pulled.iter();
        rules.find(|rule| rule["name"] == name).unwrap()
    };
    assert_eq!(found("connectivity")["type"], "connectivity");
    assert_eq!(found("queue")["operator"], ">");
    assert_eq!(found("beat")["missingDurationWarning"], 20);
    // mkr monitors push, of a file with one rule changed and one gone
    let changed = format!(
        r#"{{"id":"{}","name":"site","memo":"m","type":"external","method":"GET","url":"https://example.com","headers":[]}}"#,
        ids[3]
    );
    let made = mkr
        .ask("PUT", &format!("monitors/{}", ids[3]), &changed)
        .await;
    assert_eq!((&made["memo"], &made["id"]), (&json!("m"), &json!(ids[3])));
    let gone = mkr.ask("DELETE", &format!("monitors/{}", ids[4]), "").await;
    assert_eq!(gone["name"], "sum");

    // mkr throw, and mkr wrap --host ID -- false
    let time = now();
    let body = format!(r#"[{{"hostId":"{id}","name":"custom.queue","time":{time},"value":7.25}}]"#);
    Mkr::run(&served).await.tell("POST", "tsdb", &body).await;
    let body = format!(
        r#"{{"reports":[{{"source":{{"type":"host","hostId":"{id}"}},"name":"mkrwrap-false-a04e3cf","status":"CRITICAL","message":"command exited with code: 1","occurredAt":{time},"notificationInterval":10}}]}}"#
    );
    let mut mkr = Mkr::run(&served).await;
    mkr.tell("POST", "monitoring/checks/report", &body).await;

    // mkr alerts list
    let mut mkr = Mkr::run(&served).await;
    let open = mkr.get("alerts").await;
    let hosts = "hosts?status=working&status=standby&status=poweroff&status=maintenance";
    assert_eq!(mkr.get(hosts).await["hosts"][0]["id"], json!(id));
    assert_eq!(
        mkr.get("monitors").await["monitors"]
            .as_array()
            .unwrap()
            .len(),
        4
    );
    let open = open["alerts"].as_array().unwrap();
    let (check, host) = (&open[0], &open[1]);
    assert_eq!(
        (&check["type"], &check["status"]),
        (&json!("check"), &json!("CRITICAL"))
    );
    assert_eq!(
        (&host["type"], &host["value"]),
        (&json!("host"), &json!(7.25))
    );
    assert_eq!(
        (&host["hostId"], &host["monitorId"]),
        (&json!(id), &json!(ids[1]))
    );
    let monitor = check["monitorId"].as_str().unwrap();
    let told = mkr.get(&format!("monitoring/checks/{monitor}")).await;
    let name = json!({ "id": monitor, "name": "mkrwrap-false-a04e3cf" });
    assert_eq!(told, json!({ "check": name }));

    // mkr alerts logs ID, whose first question has an empty nextId
    let alert = format!("alerts/{}", check["id"].as_str().unwrap());
    let logs = Mkr::run(&served)
        .await
        .get(&format!("{alert}/logs?limit=100&nextId="))
        .await;
    let detail = json!({ "type": "check", "detail": { "message": "command exited with code: 1", "memo": "" } });
    assert_eq!(logs["logs"][0]["statusDetail"], detail);
    assert_eq!(
        (&logs["logs"][0]["trigger"], logs.get("nextId")),
        (&json!("monitoring"), None)
    );

    // mkr alerts close ID without a reason; mkr alerts --with-closed
    let mut mkr = Mkr::run(&served).await;
    let close = format!("{alert}/close");
    let closed = mkr.ask("POST", &close, r#"{"reason":""}"#).await;
    assert!(closed["closedAt"].is_i64());
    let all = mkr.get("alerts?withClosed=true").await;
    assert_eq!(all["alerts"].as_array().unwrap().len(), 2);
    assert_eq!(
        mkr.get("alerts").await["alerts"].as_array().unwrap().len(),
        1
    );
}

#[tokio::test]
async fn annotations_and_dashboards_are_written() {
    let served = Served::start("").await;
    create(&served, "one").await;
    let time = now();
    // mkr annotations create --title deploy --from TIME --to TIME --service shop, then update, list and delete
    let mut mkr = Mkr::run(&served).await;
    let body = |title: &str| {
        format!(r#"{{"service":"shop","from":{time},"to":{time},"title":"{title}"}}"#)
    };
    let made = mkr.ask("POST", "graph-annotations", &body("deploy")).await;
    let path = format!("graph-annotations/{}", made["id"].as_str().unwrap());
    mkr.ask("PUT", &path, &body("rollback")).await;
    let query = format!("graph-annotations?from={time}&service=shop&to={time}");
    let listed = mkr.get(&query).await;
    assert_eq!(listed["graphAnnotations"][0]["title"], "rollback");
    assert_eq!(mkr.ask("DELETE", &path, "").await["title"], "rollback");

    // mkr dashboards push, of a new one and of one that was pulled
    let mut mkr = Mkr::run(&served).await;
    let widget = r#"{"type":"markdown","title":"t","layout":{"x":0,"y":0,"width":24,"height":3},"markdown":"\u003cb\u003e"}"#;
    let body = format!(r#"{{"title":"ECS","urlPath":"ecs","memo":"","widgets":[{widget}]}}"#);
    let made = mkr.ask("POST", "dashboards", &body).await;
    let path = format!("dashboards/{}", made["id"].as_str().unwrap());
    assert_eq!(
        mkr.get("dashboards").await["dashboards"][0]["id"],
        made["id"]
    );
    let mut pulled = mkr.get(&path).await;
    assert_eq!(pulled["widgets"][0]["markdown"], "<b>");
    pulled["title"] = json!("ECS 2");
    let pushed = mkr.ask("PUT", &path, &pulled.to_string()).await;
    assert_eq!(pushed["title"], "ECS 2");
}
