//! The flags of `plan`.

use clap::Args;

use super::CheckOutput;
use super::config::ConfigArgs;
use crate::forecast::offline::Figures;

/// Flags of `plan`.
#[derive(Debug, Args)]
pub struct PlanArgs {
    /// Read nothing, but take an estate of these figures: services=20000,clusters=100,...; the keys are
    /// accounts, regions, clusters, services, ec2_share (of the clusters), running (of the services),
    /// insights_share (of the clusters, where the configuration asks for Container Insights)
    #[arg(long, value_name = "FIGURES", value_parser = Figures::parse)]
    pub offline: Option<Figures>,
    /// Tables for people, or one JSON document
    #[arg(long, value_name = "FORM", default_value = "table")]
    pub output: CheckOutput,
    /// Where the configuration comes from.
    #[command(flatten)]
    pub config: ConfigArgs,
}
