//! Hosts: registration, look-up and listing.

use serde_json::json;

use super::{START, Server, refused, succeeded};
use crate::demo::mackerel::option::{DuplicateIdentifiers, UnknownIdentifiers};

const ARN: &str = "arn:aws:ecs:us-east-1:111122223333:cluster/Prod";
const ARN_ENCODED: &str = "arn%3Aaws%3Aecs%3Aus-east-1%3A111122223333%3Acluster%2FProd";

#[tokio::test]
async fn a_new_host_has_the_documented_fields_and_no_others() {
    let server = Server::start().await;
    let bare = server.host("bare", json!({})).await;
    assert_eq!(
        server.host_json(&bare).await,
        json!({
            "id": bare, "name": "bare", "createdAt": START, "status": "working", "size": "standard", "memo": "",
            "isRetired": false, "roles": {}, "meta": {}, "interfaces": [],
        })
    );
    let full = server
        .host(
            "full",
            json!({
                "displayName": "Full", "customIdentifier": ARN, "memo": "polled",
                "meta": { "agent-name": "mackerel-container-agent/0.13.2 (Revision 1)" },
                "roleFullnames": ["shop:web", "shop:batch", "ops:all"],
                "checks": [{ "name": "web", "memo": "desired" }],
                "interfaces": [
                    { "name": "eth0", "macAddress": "02:00", "ipAddress": "10.0.0.9", "ipv4Addresses": ["10.0.0.1", "10.0.0.2"] },
                    { "name": "eth1", "ipv6Address": "::1" },
                ],
            }),
        )
        .await;
    assert_eq!(
        server.host_json(&full).await,
        json!({
            "id": full, "name": "full", "displayName": "Full", "customIdentifier": ARN, "createdAt": START,
            "status": "working", "size": "micro", "memo": "polled", "isRetired": false,
            "roles": { "shop": ["batch", "web"], "ops": ["all"] },
            "meta": { "agent-name": "mackerel-container-agent/0.13.2 (Revision 1)" },
            "interfaces": [
                { "name": "eth0", "macAddress": "02:00", "ipAddress": "10.0.0.1", "ipv4Addresses": ["10.0.0.1", "10.0.0.2"] },
                { "name": "eth1", "ipv6Address": "::1", "ipv6Addresses": ["::1"] },
            ],
        })
    );
    assert_eq!(
        server.mackerel.hosts()[1].checks,
        json!([{ "name": "web", "memo": "desired" }])
    );
    assert_ne!(bare, full);
    assert_eq!(server.mackerel.services().len(), 2);
}

#[tokio::test]
async fn a_registration_is_refused_by_the_field_that_is_wrong() {
    let server = Server::start().await;
    let cases = [
        (json!({ "meta": {} }), "`name`"),
        (json!({ "name": "", "meta": {} }), "`name`"),
        (json!({ "name": 1, "meta": {} }), "`name`"),
        (json!({ "name": "a" }), "`meta`"),
        (json!({ "name": "a", "meta": [] }), "`meta`"),
        (
            json!({ "name": "a", "meta": {}, "displayName": 1 }),
            "`displayName`",
        ),
        (
            json!({ "name": "a", "meta": {}, "customIdentifier": {} }),
            "`customIdentifier`",
        ),
        (json!({ "name": "a", "meta": {}, "memo": [] }), "`memo`"),
        (
            json!({ "name": "a", "meta": {}, "roleFullnames": "shop:web" }),
            "`roleFullnames`",
        ),
        (
            json!({ "name": "a", "meta": {}, "roleFullnames": [1] }),
            "`roleFullnames`",
        ),
        (
            json!({ "name": "a", "meta": {}, "roleFullnames": ["shop"] }),
            "`roleFullnames`",
        ),
        (
            json!({ "name": "a", "meta": {}, "roleFullnames": ["shop:x"] }),
            "`roleFullnames`",
        ),
        (
            json!({ "name": "a", "meta": {}, "roleFullnames": ["shop: web"] }),
            "`roleFullnames`",
        ),
        (
            json!({ "name": "a", "meta": {}, "checks": [{ "name": "a b" }] }),
            "`checks[0].name`",
        ),
        (
            json!({ "name": "a", "meta": {}, "checks": [{ "name": "a", "memo": "m".repeat(251) }] }),
            "`checks[0].memo`",
        ),
        (
            json!({ "name": "a", "meta": {}, "interfaces": [{}] }),
            "`interfaces[0].name`",
        ),
        (
            json!({ "name": "a", "meta": {}, "interfaces": [1] }),
            "`interfaces[0]`",
        ),
        (
            json!({ "name": "a", "meta": {}, "interfaces": [{ "name": "e", "ipv4Addresses": [1] }] }),
            "`interfaces[0].ipv4Addresses`",
        ),
    ];
    for (body, field) in cases {
        refused(&server.post("/api/v0/hosts", body).await, 400, field);
    }
    assert_eq!(server.mackerel.hosts(), []);
    assert_eq!(server.mackerel.services(), []);
}

#[tokio::test]
async fn a_host_is_found_by_its_custom_identifier() {
    let server = Server::start().await;
    let id = server
        .host("prod", json!({ "customIdentifier": ARN }))
        .await;
    let path = format!("/api/v0/hosts-by-custom-identifier/{ARN_ENCODED}");
    assert_eq!(server.get(&path).await.json()["host"]["id"], id.as_str());
    let other_case = path.replace("Prod", "pROD");
    refused(&server.get(&other_case).await, 404, "host");
    refused(
        &server
            .get(&format!("{other_case}?caseInsensitive=false"))
            .await,
        404,
        "host",
    );
    assert_eq!(
        server
            .get(&format!("{other_case}?caseInsensitive=true"))
            .await
            .json()["host"]["id"],
        id.as_str()
    );
    refused(
        &server.get("/api/v0/hosts-by-custom-identifier/other").await,
        404,
        "host",
    );
    refused(
        &server
            .get(&format!("/api/v0/hosts-by-custom-identifier/{ARN}"))
            .await,
        404,
        "not found",
    );

    let null =
        Server::with(|options| options.unknown_identifiers = UnknownIdentifiers::NullHost).await;
    let reply = null.get(&path).await;
    assert_eq!((reply.status, reply.json()), (200, json!({ "host": null })));

    server
        .host("shadow", json!({ "customIdentifier": ARN.to_lowercase() }))
        .await;
    let lower = path.replace("Prod", "prod");
    assert_eq!(server.get(&lower).await.json()["host"]["name"], "shadow");
    assert_eq!(
        server
            .get(&format!("{lower}?caseInsensitive=true"))
            .await
            .json()["host"]["name"],
        "prod"
    );
}

#[tokio::test]
async fn a_custom_identifier_belongs_to_one_living_host() {
    let server = Server::start().await;
    let first = server
        .host("first", json!({ "customIdentifier": ARN }))
        .await;
    let again = json!({ "name": "second", "meta": {}, "customIdentifier": ARN });
    refused(
        &server.post("/api/v0/hosts", again.clone()).await,
        400,
        "`customIdentifier`",
    );
    let second = server
        .host("second", json!({ "customIdentifier": null }))
        .await;
    refused(
        &server.put(&format!("/api/v0/hosts/{second}"), again).await,
        400,
        "`customIdentifier`",
    );
    let unchanged = json!({ "name": "first", "meta": {}, "customIdentifier": ARN });
    assert_eq!(
        server
            .put(&format!("/api/v0/hosts/{first}"), unchanged)
            .await
            .json(),
        json!({ "id": first })
    );
    succeeded(
        &server
            .post(&format!("/api/v0/hosts/{first}/retire"), json!({}))
            .await,
    );
    let third = server
        .host("third", json!({ "customIdentifier": ARN }))
        .await;
    let path = format!("/api/v0/hosts-by-custom-identifier/{ARN_ENCODED}");
    assert_eq!(server.get(&path).await.json()["host"]["id"], third.as_str());

    let lax =
        Server::with(|options| options.duplicate_identifiers = DuplicateIdentifiers::Accept).await;
    let oldest = lax.host("first", json!({ "customIdentifier": ARN })).await;
    lax.host("second", json!({ "customIdentifier": ARN })).await;
    assert_eq!(lax.get(&path).await.json()["host"]["id"], oldest.as_str());
}

#[tokio::test]
async fn a_listing_filters() {
    let server = Server::start().await;
    for (name, status, roles) in [
        ("a", "working", json!(["shop:web"])),
        ("b", "standby", json!(["shop:batch", "ops:all"])),
        ("c", "maintenance", json!(["shop:web"])),
        ("d", "poweroff", json!([])),
    ] {
        let id = server
            .host(
                name,
                json!({ "roleFullnames": roles, "customIdentifier": format!("id/{name}") }),
            )
            .await;
        server
            .post(
                &format!("/api/v0/hosts/{id}/status"),
                json!({ "status": status }),
            )
            .await;
    }
    let cases: [(&str, &[&str]); 11] = [
        ("", &["a", "b"]),
        (".json", &["a", "b"]),
        ("?status=maintenance", &["c"]),
        (
            "?status=working&status=standby&status=maintenance&status=poweroff",
            &["a", "b", "c", "d"],
        ),
        ("?service=shop", &["a", "b"]),
        ("?service=shop&role=web", &["a"]),
        ("?service=shop&role=web&role=batch", &["a", "b"]),
        ("?service=ops&role=web", &[]),
        ("?role=web", &["a", "b"]),
        ("?name=b", &["b"]),
        ("?customIdentifier=id%2Fa", &["a"]),
    ];
    for (query, names) in cases {
        assert_eq!(server.listed(query).await, names, "{query}");
    }
}

#[tokio::test]
async fn of_two_registrations_at_once_one_wins() {
    let server = Server::start().await;
    let body = json!({ "name": "prod", "meta": {}, "customIdentifier": ARN });
    let (one, two) = tokio::join!(
        server.post("/api/v0/hosts", body.clone()),
        server.post("/api/v0/hosts", body)
    );
    let mut statuses = [one.status, two.status];
    statuses.sort_unstable();
    assert_eq!((statuses, server.mackerel.hosts().len()), ([200, 400], 1));
}
