//! All integration tests in one binary, a file per behaviour.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test binary has no outside, and what fails here fails a test"
)]

/// The simulation allocates all the time; with this one a seed takes a quarter less.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

mod support;

mod architecture;
mod bridge;
mod check;
mod cli;
mod clients;
mod config;
mod deploy;
mod generated;
mod health;
mod host;
mod insights;
mod isolation;
mod large;
mod likeness;
mod metrics;
mod mkr;
mod page;
mod plan;
mod poll;
mod progress;
mod readers;
mod readme;
mod readme_commands;
mod reload;
mod retirement;
mod run;
mod second_opinion;
mod serve;
mod setup;
mod shard;
mod simulation;
mod size;
mod source;
mod targets;
mod task;
mod task_plugin;
mod task_probe;
mod task_setting;
mod terminal;
mod translation;
mod trouble;
mod wrong;
