//! All integration tests in one binary, a file per behaviour.

mod support;

mod architecture;
mod host;
mod poll;
mod run;
mod simulation;
mod size;
mod trouble;
