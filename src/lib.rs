//! Amazon ECS on Mackerel, without an agent: a poller that lists ECS clusters and services, reads
//! CPU, memory and task counts, and posts one Mackerel host per cluster.
//!
//! The modules in the order of the flow: [`command`] builds what a command needs, [`run`] polls
//! at each [`schedule`]d moment, and one poll ([`poller`]) goes from [`discover`] over [`plan`],
//! [`fetch`] and [`map`] to [`post`]. [`aws`] and [`mackerel`] are the two sides, each over the one
//! [`transport`]; [`model`] is the vocabulary, [`config`] what the user wants, [`pace`] how fast
//! the outside may be asked, [`report`] what a poll says of itself.
//!
//! [`task`] is the other mode: a sidecar that makes the task that it runs in a host. It shares the
//! edges, and none of the stages.
//!
//! Words: a *target* is an account with some Regions; a *sample* is one value of one series in one
//! minute; a *batch* is what one GetMetricData asks for; a *window* is the minutes that it asks
//! for; a *trouble* is something that went wrong with one item while the rest went on.

pub mod check;
pub mod cli;
pub mod command;
pub mod inject;
pub mod permission;
pub mod pulse;
pub mod run;
pub mod schedule;
pub mod task;
pub mod telemetry;
pub mod terminal;

pub mod discover;
pub mod fetch;
pub mod forecast;
pub mod map;
pub mod plan;
pub mod poller;
pub mod post;
pub mod report;
pub mod table;

pub mod aws;
pub mod mackerel;
pub mod source;
pub mod transport;

#[cfg(feature = "demo")]
pub mod demo;

pub mod config;
pub mod model;
pub mod pace;
