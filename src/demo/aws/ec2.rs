//! EC2: which Regions are enabled in an account.

use crate::demo::aws::answer::Answer;
use crate::demo::aws::error::AwsError;
use crate::demo::aws::fleet::Account;
use crate::demo::aws::value::Value;

/// DescribeRegions without its filters. An account has the Regions that it has clusters in and those
/// that were enabled for it. Errors: what is asked for is not simulated.
pub fn describe_regions(account: Option<&Account>, input: &Value) -> Result<Answer, AwsError> {
    for name in ["RegionName.1", "Filter.1.Name"] {
        if input.text(name)?.is_some() {
            let message = format!("The parameter {name} is not simulated.");
            return Err(AwsError::invalid_value(message));
        }
    }
    let enabled = account.map(Account::enabled).unwrap_or_default();
    let items: String = enabled
        .into_iter()
        .map(|region| {
            format!(
                "<item><regionName>{region}</regionName><regionEndpoint>ec2.{region}.amazonaws.com\
                 </regionEndpoint><optInStatus>opt-in-not-required</optInStatus></item>"
            )
        })
        .collect();
    let result = format!("<regionInfo>{items}</regionInfo>");
    Ok(Answer::Xml("DescribeRegions", result))
}
