//! Runs all plugins side by side, round by round, none of them twice at once, and hands over what
//! each had to give as soon as it has ended.

use std::sync::Arc;

use tokio::task::JoinSet;

use super::check::{CheckPlugin, Finding};
use super::metric::{MetricPlugin, Reading};
use crate::mackerel::payload::GraphDef;

/// How often a metric plugin is asked for its graph definitions, in seconds: Mackerel forgets a
/// definition with wildcards some hours after the last point that fits it.
const DEFINITIONS_EVERY: i64 = 3 * 3600;

/// The plugins of a setting between and during rounds. Dropping it ends what is running.
#[derive(Debug, Default)]
pub struct Plugins {
    metrics: Vec<MetricState>,
    checks: Vec<CheckState>,
    running: JoinSet<Ended>,
}

/// What a plugin had to give.
#[derive(Debug, Clone, PartialEq)]
pub enum News {
    /// Values of custom metrics by their full names, all of one moment.
    Values {
        /// When the round began, in seconds since the Unix epoch.
        at: i64,
        /// The values.
        values: Vec<(String, f64)>,
    },
    /// Graph definitions, to be posted now.
    Definitions(Vec<GraphDef>),
    /// A check's finding, to be sent.
    Report(Report),
}

/// A check's finding on its way to Mackerel.
#[derive(Debug, Clone, PartialEq)]
pub struct Report {
    /// The check's name.
    pub name: String,
    /// What it found.
    pub finding: Finding,
    /// When the round began, in seconds since the Unix epoch.
    pub at: i64,
    /// Minutes until a state that stays bad is notified again; none for never.
    pub notification_interval: Option<u64>,
    /// How often in a row it must be bad until there is an alert; none for once.
    pub max_check_attempts: Option<u64>,
}

#[derive(Debug)]
struct MetricState {
    plugin: Arc<MetricPlugin>,
    is_running: bool,
    /// When the definitions were last given.
    defined_at: Option<i64>,
    values: Health,
    definitions: Health,
}

/// What was last told to be wrong; none where all is well.
#[derive(Debug, Default)]
struct Health(Option<String>);

#[derive(Debug)]
struct CheckState {
    plugin: Arc<CheckPlugin>,
    is_running: bool,
    last: Option<Finding>,
}

/// A plugin that has ended, by its place in its list.
#[derive(Debug)]
enum Ended {
    Metrics {
        index: usize,
        at: i64,
        /// None where it was not asked.
        definitions: Option<Result<Reading<GraphDef>, String>>,
        values: Result<Reading<(String, f64)>, String>,
    },
    Check {
        index: usize,
        at: i64,
        finding: Finding,
    },
}

impl Plugins {
    /// Takes the plugins of a setting; none of them has run.
    pub fn new(metrics: &[MetricPlugin], checks: &[CheckPlugin]) -> Self {
        let metrics = metrics.iter().cloned().map(|plugin| MetricState {
            plugin: Arc::new(plugin),
            is_running: false,
            defined_at: None,
            values: Health::default(),
            definitions: Health::default(),
        });
        let checks = checks.iter().cloned().map(|plugin| CheckState {
            plugin: Arc::new(plugin),
            is_running: false,
            last: None,
        });
        Plugins {
            metrics: metrics.collect(),
            checks: checks.collect(),
            running: JoinSet::new(),
        }
    }

    /// Begins a round at a moment in seconds since the Unix epoch. What still runs from the round
    /// before is left alone.
    pub fn start(&mut self, at: i64) {
        for (index, state) in self.metrics.iter_mut().enumerate() {
            if state.is_running {
                let why = "it still runs from the minute before".to_owned();
                state.values.tell(&state.plugin.name, "values", Some(why));
                continue;
            }
            state.is_running = true;
            let plugin = state.plugin.clone();
            let is_due = state
                .defined_at
                .is_none_or(|last| at - last >= DEFINITIONS_EVERY);
            self.running.spawn(async move {
                let definitions = match is_due {
                    true => Some(plugin.graph_definitions().await),
                    false => None,
                };
                Ended::Metrics {
                    index,
                    at,
                    definitions,
                    values: plugin.run().await,
                }
            });
        }
        for (index, state) in self.checks.iter_mut().enumerate() {
            if !std::mem::replace(&mut state.is_running, true) {
                let plugin = state.plugin.clone();
                self.running.spawn(async move {
                    let finding = plugin.run().await;
                    Ended::Check { index, at, finding }
                });
            }
        }
    }

    /// Whether no plugin runs.
    pub fn is_idle(&self) -> bool {
        self.running.is_empty()
    }

    /// Waits until a plugin has ended and gives what it had to give, which may be nothing. While
    /// none runs it waits for ever. It may be dropped and called again.
    pub async fn next(&mut self) -> Vec<News> {
        loop {
            match self.running.join_next().await {
                None => std::future::pending().await,
                // Only a panic or an end of the runtime: the plugin counts as running for good.
                Some(Err(_)) => {}
                Some(Ok(ended)) => return self.news(ended),
            }
        }
    }

    fn news(&mut self, ended: Ended) -> Vec<News> {
        match ended {
            Ended::Metrics {
                index,
                at,
                definitions,
                values,
            } => match self.metrics.get_mut(index) {
                Some(state) => state.news(at, definitions, values),
                None => Vec::new(),
            },
            Ended::Check { index, at, finding } => match self.checks.get_mut(index) {
                Some(state) => state.news(at, finding).into_iter().collect(),
                None => Vec::new(),
            },
        }
    }
}

impl MetricState {
    fn news(
        &mut self,
        at: i64,
        definitions: Option<Result<Reading<GraphDef>, String>>,
        values: Result<Reading<(String, f64)>, String>,
    ) -> Vec<News> {
        self.is_running = false;
        let name = &self.plugin.name;
        let mut news = Vec::new();
        match definitions {
            None => {}
            Some(Ok(reading)) => {
                self.defined_at = Some(at);
                self.definitions
                    .tell(name, "graph definitions", reading.trouble);
                if !reading.taken.is_empty() {
                    news.push(News::Definitions(reading.taken));
                }
            }
            // Asked again in the next round.
            Some(Err(why)) => self.definitions.tell(name, "graph definitions", Some(why)),
        }
        match values {
            Ok(reading) => {
                self.values.tell(name, "values", reading.trouble);
                if !reading.taken.is_empty() {
                    let values = reading.taken;
                    news.push(News::Values { at, values });
                }
            }
            Err(why) => self.values.tell(name, "values", Some(why)),
        }
        news
    }
}

impl Health {
    /// Tells what is wrong, once for as long as it stays the same.
    fn tell(&mut self, plugin: &str, what: &str, trouble: Option<String>) {
        match &trouble {
            Some(why) if self.0 != trouble => {
                tracing::warn!("{what} of plugin.metrics.{plugin}: {why}");
            }
            None if self.0.is_some() => {
                tracing::info!("{what} of plugin.metrics.{plugin}: all is well again");
            }
            _ => {}
        }
        self.0 = trouble;
    }
}

impl CheckState {
    fn news(&mut self, at: i64, finding: Finding) -> Option<News> {
        self.is_running = false;
        let is_news = finding.is_news(self.last.as_ref());
        self.last = Some(finding.clone());
        is_news.then(|| {
            News::Report(Report {
                name: self.plugin.name.clone(),
                finding,
                at,
                notification_interval: self.plugin.notification_interval,
                max_check_attempts: self.plugin.max_check_attempts,
            })
        })
    }
}
