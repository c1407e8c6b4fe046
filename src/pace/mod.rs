//! How fast and how often the outside is asked: backoff between attempts and buckets of requests.

pub mod backoff;
pub mod bucket;
