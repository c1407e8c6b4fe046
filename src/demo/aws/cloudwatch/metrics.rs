//! ListMetrics: what of `AWS/ECS` had data in the last two weeks, 500 metrics a page. Container
//! Insights is left out.
//!
//! Whether there was data is looked up every 53 minutes (for `RecentlyActive`, once a minute), so
//! that a task that ran for less may be missed; AWS calls its own list approximate.

use std::collections::BTreeSet;

use chrono::{DateTime, TimeDelta, Utc};

use crate::demo::aws::answer::Answer;
use crate::demo::aws::cloudwatch::query::name_of;
use crate::demo::aws::cloudwatch::series::NAMESPACE;
use crate::demo::aws::error::AwsError;
use crate::demo::aws::fleet::cluster::Cluster;
use crate::demo::aws::fleet::service::Service;
use crate::demo::aws::fleet::statistics::Metric;
use crate::demo::aws::place::Place;
use crate::demo::aws::token;
use crate::demo::aws::value::Value;

const PAGE: usize = 500;
const MOST_FILTERS: usize = 10;

/// What a metric must be to be listed.
struct Filter<'a> {
    namespace: Option<&'a str>,
    metric: Option<&'a str>,
    dimensions: Vec<(&'a str, Option<&'a str>)>,
}

/// ListMetrics. Errors: the input breaks a rule, or the token is not one of this question.
pub fn list(place: &Place, input: &Value) -> Result<Answer, AwsError> {
    let filter = Filter::read(input)?;
    let recently = match input.text("RecentlyActive")? {
        None => false,
        Some("PT3H") => true,
        Some(other) => {
            let message = format!("The value {other} for RecentlyActive is not PT3H.");
            return Err(AwsError::invalid_value(message));
        }
    };
    let linked = input.flag("IncludeLinkedAccounts")?.unwrap_or(false);
    let owner = input.text("OwningAccount")?;
    let scope = format!(
        "ListMetrics {} {} {:?} {:?} {:?} {recently} {linked} {owner:?}",
        place.account, place.region, filter.namespace, filter.metric, filter.dimensions
    );
    let skipped = match input.text("NextToken")?.filter(|text| !text.is_empty()) {
        None => 0,
        Some(text) => token::redeem(&scope, text)
            .and_then(|position| position.parse().ok())
            .ok_or_else(AwsError::invalid_next_token)?,
    };
    let of_owner = owner.is_none_or(|owner| owner == place.account);
    let clusters = place.content.map_or(&[][..], |region| region.clusters());
    let window = Active::new(place, recently);
    let names: BTreeSet<(&str, Option<&str>, Metric)> = clusters
        .iter()
        .filter(|cluster| of_owner && filter.admits_cluster(&cluster.name))
        .flat_map(|cluster| window.series_of(cluster, &filter))
        .collect();
    let page: Vec<_> = names.iter().skip(skipped).take(PAGE).collect();
    let metrics = page.iter().map(|(cluster, service, metric)| {
        let mut dimensions = vec![dimension("ClusterName", cluster)];
        dimensions.extend(service.map(|service| dimension("ServiceName", service)));
        Value::map([
            ("Namespace", Value::text_of(NAMESPACE)),
            ("MetricName", Value::text_of(metric.name())),
            ("Dimensions", Value::List(dimensions)),
        ])
    });
    let mut answer = vec![("Metrics".into(), Value::List(metrics.collect()))];
    if linked {
        let owner = Value::text_of(place.account.to_owned());
        let owners = Value::List(vec![owner; page.len()]);
        answer.push(("OwningAccounts".into(), owners));
    }
    let next = skipped + page.len();
    if next < names.len() {
        let token = token::issue(&scope, &next.to_string());
        answer.push(("NextToken".into(), Value::text_of(token)));
    }
    Ok(Answer::Tree(Value::Map(answer)))
}

fn dimension(name: &'static str, value: &str) -> Value {
    Value::map([
        ("Name", Value::text_of(name)),
        ("Value", Value::text_of(value.to_owned())),
    ])
}

impl<'a> Filter<'a> {
    fn read(input: &'a Value) -> Result<Filter<'a>, AwsError> {
        let listed = input.list("Dimensions")?;
        if listed.len() > MOST_FILTERS {
            return Err(AwsError::validation(format!(
                "The collection Dimensions must not have a size greater than {MOST_FILTERS}."
            )));
        }
        let dimensions = listed
            .iter()
            .map(|one| Ok((name_of(one, "Name")?, one.text("Value")?)));
        Ok(Filter {
            namespace: input.text("Namespace")?,
            metric: input.text("MetricName")?,
            dimensions: dimensions.collect::<Result<_, AwsError>>()?,
        })
    }

    fn admits_cluster(&self, cluster: &str) -> bool {
        let mut filters = self.dimensions.iter();
        self.namespace.is_none_or(|own| own == NAMESPACE)
            && filters.all(|(name, value)| {
                *name != "ClusterName" || value.is_none_or(|value| value == cluster)
            })
    }

    /// Whether the filters admit this service, or with none the cluster's own metrics.
    fn admits_service(&self, service: Option<&str>) -> bool {
        self.dimensions.iter().all(|(name, value)| match *name {
            "ClusterName" => true,
            "ServiceName" => service.is_some_and(|own| value.is_none_or(|value| value == own)),
            _ => false,
        })
    }

    fn admits_metric(&self, metric: Metric) -> bool {
        self.metric.is_none_or(|own| own == metric.name())
    }
}

/// The time in which a metric must have had data.
struct Active {
    from: DateTime<Utc>,
    to: DateTime<Utc>,
    step: TimeDelta,
}

impl Active {
    fn new(place: &Place, recently: bool) -> Active {
        let (back, step) = if recently {
            (TimeDelta::hours(3), TimeDelta::minutes(1))
        } else {
            (TimeDelta::days(14), TimeDelta::minutes(53))
        };
        let listed_after = TimeDelta::seconds(i64::from(place.lateness.listed_after));
        Active {
            from: place.now - back,
            to: place.now - listed_after,
            step,
        }
    }

    /// The services and metrics of a cluster that had data; no service stands for the cluster.
    fn series_of<'a>(
        &self,
        cluster: &'a Cluster,
        filter: &Filter,
    ) -> Vec<(&'a str, Option<&'a str>, Metric)> {
        let mut series = Vec::new();
        let mut add = |service: Option<&'a str>, has_data: &dyn Fn() -> bool| {
            if filter.admits_service(service) && has_data() {
                let all = Metric::ALL.into_iter();
                let all = all.filter(|metric| service.is_none() || !metric.is_reservation());
                let admitted = all.filter(|metric| filter.admits_metric(*metric));
                series.extend(admitted.map(|metric| (&*cluster.name, service, metric)));
            }
        };
        add(None, &|| {
            self.any(|time| cluster.statistics(Metric::CpuUtilization, time).is_some())
        });
        for service in cluster.services() {
            add(Some(&service.name), &|| self.had_task(cluster, service));
        }
        series
    }

    fn had_task(&self, cluster: &Cluster, service: &Service) -> bool {
        self.any(|time| cluster.exists(time) && service.running(time) > 0)
    }

    fn any(&self, has_data: impl Fn(DateTime<Utc>) -> bool) -> bool {
        let mut time = self.to;
        while time >= self.from {
            if has_data(time) {
                return true;
            }
            time -= self.step;
        }
        false
    }
}
