//! The two calls that read CloudWatch. They bring the same values and differ in how many requests
//! they take, how fast they may be made and what they cost.

/// A call that reads CloudWatch.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Reader {
    /// GetMetricStatistics: one metric with up to five statistics a request, of which a million a
    /// month are free.
    Statistics,
    /// GetMetricData: up to 500 queries a request, each of which is charged for.
    Data,
}

impl Reader {
    /// The name of the call.
    pub const fn call(self) -> &'static str {
        match self {
            Reader::Statistics => "GetMetricStatistics",
            Reader::Data => "GetMetricData",
        }
    }

    /// The IAM action that it needs.
    pub const fn action(self) -> &'static str {
        match self {
            Reader::Statistics => "cloudwatch:GetMetricStatistics",
            Reader::Data => "cloudwatch:GetMetricData",
        }
    }
}
