//! Walks through the calls of the crate `mackerel_client` against the server whose address is the only
//! argument, and ends with an error at the first answer that the crate cannot read or that is not true.

use std::error::Error;

use chrono::{TimeDelta, Utc};
use mackerel_client::Client;
use mackerel_client::alert::{AlertId, AlertStatus};
use mackerel_client::check_report::{CheckReport, CheckSource};
use mackerel_client::dashboard::{DashboardLayout, DashboardValue, DashboardWidget};
use mackerel_client::graph_annotation::GraphAnnotationValue;
use mackerel_client::graph_definition::{GraphDefinition, GraphMetric, GraphUnit};
use mackerel_client::host::{HostStatus, HostValue, ListHostsParams};
use mackerel_client::metric::{HostMetricValue, MetricValue, ServiceMetricValue};
use mackerel_client::monitor::{MonitorOperator, MonitorValue};
use mackerel_client::role::{Role, RoleFullname};
use mackerel_client::service::Service;
use serde_json::json;

type Outcome = Result<(), Box<dyn Error>>;

const ARN: &str = "arn:aws:ecs:us-east-1:111122223333:cluster/prod";

#[tokio::main(flavor = "current_thread")]
async fn main() -> Outcome {
    let base = std::env::args().nth(1).ok_or("which server?")?;
    let client = Client::builder().api_key("local").api_base(base).build();
    assert_eq!(client.get_organization().await?.name.to_string(), "local");
    services(&client).await?;
    let host = hosts(&client).await?;
    metrics(&client, &host).await?;
    alerts(&client, &host).await?;
    pages(&client).await?;
    client.retire_host(host.as_str()).await?;
    client.delete_service("shop").await?;
    println!("done");
    Ok(())
}

async fn services(client: &Client) -> Outcome {
    client
        .create_service(Service::builder().name("shop").memo("m").build())
        .await?;
    client
        .create_role("shop", Role::builder().name("web").build())
        .await?;
    client
        .create_role("shop", Role::builder().name("old").build())
        .await?;
    client.delete_role("shop", "old").await?;
    assert_eq!(client.list_services().await?.len(), 1);
    assert_eq!(client.list_roles("shop").await?.len(), 1);
    client
        .put_service_metadata("shop", "state", json!({ "a": [1] }))
        .await?;
    client
        .put_role_metadata("shop", "web", "state", json!(null))
        .await?;
    assert_eq!(client.list_service_metadata("shop").await?.len(), 1);
    assert_eq!(client.list_role_metadata("shop", "web").await?.len(), 1);
    assert!(
        client
            .create_service(Service::builder().name("shop").build())
            .await
            .is_err()
    );
    Ok(())
}

async fn hosts(client: &Client) -> Result<String, Box<dyn Error>> {
    let role = |name: &str| RoleFullname::from(format!("shop:{name}"));
    let value = HostValue::builder()
        .name("prod")
        .custom_identifier(ARN)
        .role_fullnames([role("web")]);
    let id = client.create_host(value.build()).await?.to_string();
    let found = client
        .get_host_by_custom_identifier(ARN)
        .await?
        .ok_or("not found")?;
    assert_eq!(
        (found.id.to_string(), found.value.name.as_str()),
        (id.clone(), "prod")
    );
    let value = HostValue::builder()
        .name("prod2")
        .role_fullnames([role("new")]);
    client.update_host(id.as_str(), value.build()).await?;
    let host = client.get_host(id.as_str()).await?;
    assert_eq!(host.value.custom_identifier.as_deref(), Some(ARN));
    client
        .update_host_status(id.as_str(), HostStatus::Maintenance)
        .await?;
    assert_eq!(
        client
            .list_hosts(ListHostsParams::service_name("shop"))
            .await?
            .len(),
        0
    );
    client
        .update_host_statuses([id.as_str()], HostStatus::Working)
        .await?;
    assert_eq!(
        client
            .list_hosts(ListHostsParams::service_name("shop"))
            .await?
            .len(),
        1
    );
    client.update_host_roles(id.as_str(), [role("web")]).await?;
    client
        .put_host_metadata(id.as_str(), "state", json!({ "a": 1 }))
        .await?;
    let kept = client.get_host_metadata(id.as_str(), "state").await?;
    assert_eq!(kept, json!({ "a": 1 }));
    client.delete_host_metadata(id.as_str(), "state").await?;
    let other = client
        .create_host(HostValue::builder().name("other").build())
        .await?;
    client.retire_hosts([other]).await?;
    Ok(id)
}

async fn metrics(client: &Client, host: &str) -> Outcome {
    let now = Utc::now();
    let from = now - TimeDelta::minutes(5);
    let point = |value: f64| MetricValue::builder().time(now).value(value).build();
    let value = HostMetricValue::builder()
        .host_id(host)
        .name("custom.a.b.c")
        .value(point(1.5));
    client.post_host_metric_values([value.build()]).await?;
    assert_eq!(client.list_host_metric_names(host).await?, ["custom.a.b.c"]);
    let values = client
        .list_host_metric_values(host, "custom.a.b.c", from, now)
        .await?;
    assert_eq!(
        values.iter().map(|value| value.value).collect::<Vec<_>>(),
        [1.5]
    );
    let latest = client
        .list_latest_host_metric_values([host], ["custom.a.b.c", "custom.none"])
        .await?;
    assert_eq!(latest.len(), 1);
    let metric = GraphMetric::builder()
        .name("custom.a.#.c")
        .display_name("%1")
        .build();
    let graph = GraphDefinition::builder()
        .name("custom.a.#")
        .unit(GraphUnit::BytesPerSec)
        .metrics([metric]);
    client.create_graph_definitions([graph.build()]).await?;
    client.delete_graph_definition("custom.a.#").await?;
    assert!(client.delete_graph_definition("custom.a.#").await.is_err());
    let value = ServiceMetricValue::builder()
        .name("beat")
        .value(point(1.0))
        .build();
    client.post_service_metric_values("shop", [value]).await?;
    assert_eq!(client.list_service_metric_names("shop").await?, ["beat"]);
    assert_eq!(
        client
            .list_service_metric_values("shop", "beat", from, now)
            .await?
            .len(),
        1
    );
    Ok(())
}

async fn alerts(client: &Client, host: &str) -> Outcome {
    let connectivity = MonitorValue::Connectivity {
        name: "gone".to_owned(),
        memo: String::new(),
        alert_status_on_gone: AlertStatus::Warning,
        scopes: vec!["shop".into()],
        exclude_scopes: vec!["shop:web".into()],
        notification_interval: None,
        is_mute: false,
    };
    let monitor = client.create_monitor(&connectivity).await?;
    assert_eq!(monitor.value, connectivity);
    assert_eq!(client.get_monitor(monitor.id).await?.value, connectivity);
    let threshold = MonitorValue::Host {
        name: "high".to_owned(),
        memo: "m".to_owned(),
        duration: 1,
        metric: "custom.a.b.c".to_owned(),
        operator: MonitorOperator::GreaterThan,
        warning: Some(1.0),
        critical: None,
        max_check_attempts: Some(1),
        scopes: vec![],
        exclude_scopes: vec![],
        notification_interval: Some(10),
        is_mute: true,
    };
    let high = client.create_monitor(&threshold).await?;
    assert_eq!(
        client.update_monitor(high.id, &threshold).await?.value,
        threshold
    );
    assert_eq!(client.list_monitors().await?.len(), 2);
    let point = MetricValue::builder().time(Utc::now()).value(2.0).build();
    let value = HostMetricValue::builder()
        .host_id(host)
        .name("custom.a.b.c")
        .value(point);
    client.post_host_metric_values([value.build()]).await?;
    let report = CheckReport::builder()
        .name("disk")
        .message("full")
        .source(CheckSource::Host {
            host_id: host.into(),
        })
        .status(AlertStatus::Critical)
        .occurred_at(Utc::now())
        .build();
    client.create_check_report([report]).await?;
    assert_eq!(client.list_host_monitored_statuses(host).await?.len(), 2);
    let (open, next) = client.list_open_alerts(None::<AlertId>, 100).await?;
    assert_eq!((open.len(), next), (2, None));
    for alert in open {
        client.update_alert(alert.id, "seen").await?;
        assert_eq!(
            client.get_alert(alert.id).await?.value.status,
            alert.value.status
        );
        let closed = client.close_alert(alert.id, "tried").await?;
        assert_eq!(closed.value.reason.as_deref(), Some("tried"));
    }
    let (first, next) = client.list_all_alerts(None::<AlertId>, 1).await?;
    let (second, none) = client.list_all_alerts(next, 1).await?;
    assert_eq!((first.len(), second.len(), none), (1, 1, None));
    client.delete_monitor(high.id).await?;
    Ok(())
}

async fn pages(client: &Client) -> Outcome {
    let now = Utc::now();
    let value = GraphAnnotationValue::builder()
        .title("deploy")
        .from(now)
        .to(now)
        .service("shop")
        .roles(["web"]);
    let made = client.create_graph_annotation(value.build()).await?;
    let found = client
        .list_graph_annotations("shop", now - TimeDelta::hours(1), now)
        .await?;
    assert_eq!(found, [made.clone()]);
    client.update_graph_annotation(made.id, &made.value).await?;
    client.delete_graph_annotation(made.id).await?;
    let widget = DashboardWidget::Markdown {
        title: "t".to_owned(),
        markdown: "# a".to_owned(),
        layout: DashboardLayout {
            x: 0,
            y: 0,
            width: 4,
            height: 2,
        },
    };
    let value = DashboardValue::builder()
        .title("t")
        .url_path("team/ecs")
        .widgets(vec![widget])
        .build();
    let made = client.create_dashboard(&value).await?;
    assert_eq!(client.list_dashboards().await?, [made.clone()]);
    assert_eq!(client.get_dashboard(made.id).await?.value, value);
    client.update_dashboard(made.id, &value).await?;
    client.delete_dashboard(made.id).await?;
    Ok(())
}
