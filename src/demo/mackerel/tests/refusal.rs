//! Every call of the table refuses a key that is missing, unknown or lacks the permission, and each refusal that
//! Mackerel documents is one row here or in the file of its noun.

use axum::routing::MethodFilter;
use serde_json::json;

use super::{Server, refused};
use crate::demo::mackerel::api::ROUTES;
use crate::demo::mackerel::option::Permission;

/// The methods that the table uses, and their names.
const METHODS: [(MethodFilter, &str); 4] = [
    (MethodFilter::GET, "GET"),
    (MethodFilter::POST, "POST"),
    (MethodFilter::PUT, "PUT"),
    (MethodFilter::DELETE, "DELETE"),
];

#[tokio::test]
async fn every_call_asks_for_a_key_with_the_permission() {
    let server = Server::start().await;
    for route in ROUTES {
        let Some(needs) = route.needs else { continue };
        let mut named = METHODS.into_iter();
        let (_, method) = named.find(|(it, _)| *it == route.method).unwrap();
        let path = route.path.replace(['{', '}'], "");
        let status = async |key: Option<&str>| server.send(method, &path, key, None).await.status;
        assert_eq!(status(None).await, 401, "{method} {path}");
        assert_eq!(status(Some("wrong")).await, 401, "{method} {path}");
        for (key, allowed) in [
            ("reader", needs == Permission::Read),
            ("writer", needs == Permission::Write),
            ("both", true),
        ] {
            let refused = matches!(status(Some(key)).await, 401 | 403);
            assert_eq!(!refused, allowed, "{key} {method} {path}");
        }
    }
}

/// Requests below `/api/v0/`: method, path and body, and behind the arrow the status and what the message speaks of.
/// `LIVING` and `RETIRED` stand for the ids of hosts, `MANY` for 31 ids, `LONG` for 251 letters, `HUGE` for 100 KB.
/// There are a host with the role `shop:web` and one that is retired.
const REFUSED: &str = r#"
POST hosts {"name":"","meta":{}} -> 400 `name`
POST hosts {"meta":{}} -> 400 `name`
POST hosts {"name":"n"} -> 400 `meta`
POST hosts {"name":"n","meta":[]} -> 400 `meta`
POST hosts {"name":"n","meta":{},"memo":1} -> 400 `memo`
POST hosts {"name":"n","meta":{},"interfaces":{}} -> 400 `interfaces`
POST hosts {"name":"n","meta":{},"roleFullnames":["shop"]} -> 400 "shop"
POST hosts {"name":"n","meta":{},"roleFullnames":["shop:w/b"]} -> 400 "shop:w/b"
POST hosts {"name":"n","meta":{},"roleFullnames":["s:web"]} -> 400 "s:web"
POST hosts {"name":"n","meta":{},"checks":[{"name":"a b"}]} -> 400 `checks[0].name`
POST hosts {"name":"n","meta":{},"checks":[{"name":"a","memo":"LONG"}]} -> 400 250
PUT hosts/none {"name":"n","meta":{}} -> 404 host
PUT hosts/RETIRED {"name":"n","meta":{}} -> 400 retired
GET hosts/none -> 404 host
GET hosts-by-custom-identifier/none -> 404 host
POST hosts/LIVING/status {"status":"on"} -> 400 `status`
POST hosts/LIVING/status {} -> 400 `status`
POST hosts/none/status {"status":"working"} -> 404 host
POST hosts/bulk-update-statuses {"ids":MANY,"status":"working"} -> 400 30
POST hosts/bulk-update-statuses {"ids":["none"],"status":"working"} -> 404 host
POST hosts/bulk-update-statuses {"ids":["LIVING"],"status":"on"} -> 400 `status`
POST hosts/bulk-retire {"ids":MANY} -> 400 30
POST hosts/bulk-retire {"ids":["LIVING","none"]} -> 404 host
POST hosts/bulk-retire {"ids":"all"} -> 400 `ids`
PUT hosts/none/role-fullnames {"roleFullnames":[]} -> 404 host
PUT hosts/LIVING/role-fullnames {"roleFullnames":["shop:"]} -> 400 shop:
PUT hosts/LIVING/role-fullnames {} -> 400 `roleFullnames`
POST hosts/none/retire {} -> 404 host
GET hosts/none/metric-names -> 404 host
GET hosts/none/monitored-statuses -> 404 host

POST tsdb [{"hostId":"LIVING","name":"custom..a","time":0,"value":1}] -> 400 custom..a
POST tsdb [{"hostId":"LIVING","name":"custom.a b","time":0,"value":1}] -> 400 custom.a b
POST tsdb [{"hostId":"LIVING","name":"made.up","time":0,"value":1}] -> 400 made.up
POST tsdb [{"hostId":"LIVING","name":"custom.a","time":0,"value":"1"}] -> 400 `[0].value`
POST tsdb [{"hostId":"LIVING","name":"custom.a","value":1}] -> 400 `[0].time`
POST tsdb [{"name":"custom.a","time":0,"value":1}] -> 400 `[0].hostId`
POST tsdb [1] -> 400 `[0]`
POST tsdb {} -> 400 array
POST tsdb [NaN] -> 400 not JSON
GET hosts/LIVING/metrics?name=custom.none&from=0&to=1 -> 404 metric not found
GET hosts/LIVING/metrics?name=custom.none&from=0 -> 400 `to`
GET hosts/LIVING/metrics?from=0&to=1 -> 400 `name`
GET hosts/none/metrics?name=a&from=0&to=1 -> 404 host
GET tsdb/latest?name=a -> 400 `hostId`
POST services/none/tsdb [] -> 404 service
POST services/shop/tsdb [{"name":"a b","time":0,"value":1}] -> 400 a b
GET services/shop/metrics?name=none&from=0&to=1 -> 404 metric not found
GET services/none/metric-names -> 404 service

POST graph-defs/create [{"name":"a.b","metrics":[]}] -> 400 `[0].name`
POST graph-defs/create [{"name":"custom.#.#","metrics":[]}] -> 400 `[0].name`
POST graph-defs/create [{"name":"custom.a*","metrics":[]}] -> 400 `[0].name`
POST graph-defs/create [{"name":"custom.a","metrics":[{"name":"custom.b.c"}]}] -> 400 `metrics[0].name`
POST graph-defs/create [{"name":"custom.a","metrics":[{"name":"custom.a.b.c"}]}] -> 400 `metrics[0].name`
POST graph-defs/create [{"name":"custom.a","unit":"apples","metrics":[]}] -> 400 `[0].unit`
DELETE graph-defs {"name":"custom.none"} -> 400 `name`

POST services {"name":"s"} -> 400 `name`
POST services {"name":"-s"} -> 400 `name`
POST services {"name":"LONG"} -> 400 `name`
POST services {"name":"shop"} -> 400 already
DELETE services/none -> 404 service
GET services/none/roles -> 404 service
POST services/shop/roles {"name":"web"} -> 400 already
POST services/none/roles {"name":"web"} -> 404 service
DELETE services/shop/roles/none -> 404 role

PUT hosts/LIVING/metadata/mackerel-x 1 -> 400 namespace
PUT hosts/LIVING/metadata/a.b 1 -> 400 namespace
PUT hosts/LIVING/metadata/a "HUGE" -> 413 100 KB
PUT hosts/LIVING/metadata/a {a:1} -> 400 not JSON
PUT hosts/RETIRED/metadata/a 1 -> 400 retired
GET hosts/LIVING/metadata/none -> 404 metadata
PUT hosts/none/metadata/a 1 -> 404 host
PUT services/none/metadata/a 1 -> 404 service
PUT services/shop/roles/none/metadata/a 1 -> 404 role

GET aws-integrations -> 404 not found
GET channels -> 404 not found
DELETE org -> 404 not found
"#;

#[tokio::test]
async fn what_is_documented_to_be_refused_is() {
    let server = Server::start().await;
    let roles = json!({ "roleFullnames": ["shop:web"] });
    let living = server.host("a", roles).await;
    let retired = server.host("b", json!({})).await;
    let retire = format!("/api/v0/hosts/{retired}/retire");
    server.post(&retire, json!({})).await;
    for row in REFUSED.lines().filter(|row| !row.is_empty()) {
        let (asked, expected) = row.split_once(" -> ").unwrap();
        let (method, asked) = asked.split_once(' ').unwrap();
        let (status, about) = expected.split_once(' ').unwrap();
        let (path, body) = asked.split_once(' ').unwrap_or((asked, ""));
        let path = path.replace("LIVING", &living).replace("RETIRED", &retired);
        let body = body
            .replace("MANY", &json!(vec![&living; 31]).to_string())
            .replace("LIVING", &living)
            .replace("LONG", &"a".repeat(251))
            .replace("HUGE", &"a".repeat(100 * 1024));
        let path = format!("/api/v0/{path}");
        let body = (!body.is_empty()).then_some(body);
        let reply = server.send(method, &path, Some("both"), body).await;
        assert_eq!(reply.status.to_string(), status, "{row}\n{}", reply.body);
        refused(&reply, reply.status, about);
    }
    assert_eq!(server.listed("").await, ["a"], "nothing came of it");
}
