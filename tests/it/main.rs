//! All integration tests in one binary, a file per behaviour.

mod support;

mod architecture;
mod bridge;
mod poll;
mod second_opinion;
mod simulation;
