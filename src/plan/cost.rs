//! What reading CloudWatch costs, and with which call and how often it is read for that. A range of
//! minutes costs no more than one, so that reading less often costs less and loses nothing but time.

use crate::config::CloudWatch;
use crate::model::reader::Reader;

/// The minutes of a month of 730 hours, by which AWS gives monthly prices.
pub const MINUTES_A_MONTH: f64 = 43_800.0;

/// How many requests of GetMetricStatistics a month are free (CloudWatch's billing guide). It is
/// assumed that the account has the free tier, and for all accounts together once, as they have it
/// under one payer.
pub const FREE_REQUESTS: f64 = 1_000_000.0;

/// US dollars for one request of GetMetricStatistics, or one metric asked of GetMetricData.
pub const USD_A_UNIT: f64 = 0.01 / 1000.0;

/// Every how many minutes CloudWatch is read where the budget decides.
pub const INTERVALS: [i64; 4] = [1, 2, 3, 5];

/// The most requests of GetMetricStatistics in one reading: more would save the million that is free
/// a month, ten dollars, and cost the poller seconds of its CPU each time.
const MOST_REQUESTS: usize = 2000;

/// How much of CloudWatch one reading asks for.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Load {
    /// CloudWatch metrics, each with all of its statistics.
    pub metrics: usize,
    /// Statistics of these metrics: the queries of GetMetricData.
    pub queries: usize,
}

impl std::ops::Add for Load {
    type Output = Load;

    fn add(self, other: Load) -> Load {
        Load {
            metrics: self.metrics + other.metrics,
            queries: self.queries + other.queries,
        }
    }
}

/// The loads of an estate, by the call that reads them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Loads {
    /// What GetMetricStatistics reads.
    pub statistics: Load,
    /// What GetMetricData reads.
    pub data: Load,
}

impl Loads {
    /// The loads of several Regions, each with the call that reads it.
    pub fn of(regions: impl IntoIterator<Item = (Reader, Load)>) -> Loads {
        let mut loads = Loads::default();
        for (reader, load) in regions {
            let sum = match reader {
                Reader::Statistics => &mut loads.statistics,
                Reader::Data => &mut loads.data,
            };
            *sum = *sum + load;
        }
        loads
    }

    /// So many times as much.
    pub fn times(self, count: usize) -> Loads {
        let times = |load: Load| Load {
            metrics: load.metrics * count,
            queries: load.queries * count,
        };
        Loads {
            statistics: times(self.statistics),
            data: times(self.data),
        }
    }
}

/// What a month of reading comes to.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Bill {
    /// Requests of GetMetricStatistics.
    pub requests: f64,
    /// Metrics asked of GetMetricData, if up to five statistics of a metric count as one, as AWS's
    /// price list has it, and if each counts, as users report of their bills.
    pub metrics: (f64, f64),
    /// US dollars, the lower and the upper figure.
    pub usd: (f64, f64),
}

/// What it comes to when CloudWatch is read every so many minutes.
pub fn bill(loads: Loads, interval: i64) -> Bill {
    let readings = MINUTES_A_MONTH / interval as f64;
    let requests = loads.statistics.metrics as f64 * readings;
    let metrics = (
        loads.data.metrics as f64 * readings,
        loads.data.queries as f64 * readings,
    );
    let charged = (requests - FREE_REQUESTS).max(0.0);
    Bill {
        requests,
        metrics,
        usd: (
            (charged + metrics.0) * USD_A_UNIT,
            (charged + metrics.1) * USD_A_UNIT,
        ),
    }
}

/// Every how many minutes CloudWatch is read: as the config says, or the shortest time that stays
/// within the budget at the upper figure. Where none does, the longest.
pub fn interval(loads: Loads, wanted: &CloudWatch) -> i64 {
    let fits = |minutes: &i64| bill(loads, *minutes).usd.1 <= wanted.monthly_budget_usd;
    let [.., longest] = INTERVALS;
    wanted
        .interval
        .or_else(|| INTERVALS.into_iter().find(fits))
        .unwrap_or(longest)
}

/// The call that reads a load in one Region: as the config says, or the cheaper one,
/// GetMetricStatistics, unless that takes more requests than AWS's rates allow in the time that a
/// reading may take (none for no limit), or than are worth it.
pub fn reader(load: Load, wanted: Option<Reader>, allowed: Option<usize>) -> Reader {
    let at_most = allowed.map_or(MOST_REQUESTS, |allowed| allowed.min(MOST_REQUESTS));
    let keeps_up = load.metrics <= at_most;
    wanted.unwrap_or(match keeps_up {
        true => Reader::Statistics,
        false => Reader::Data,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn services(count: usize) -> Load {
        Load {
            metrics: count * 2,
            queries: count * 6,
        }
    }

    #[track_caller]
    fn check(loads: Loads, budget: f64, expected: i64) {
        let wanted = CloudWatch {
            reader: None,
            interval: None,
            monthly_budget_usd: budget,
        };
        assert_eq!(interval(loads, &wanted), expected);
    }

    #[test]
    fn the_free_tier_carries_eleven_services_each_minute() {
        let by_statistics = |count| Loads {
            statistics: services(count),
            ..Loads::default()
        };
        check(by_statistics(11), 0.0, 1);
        check(by_statistics(12), 0.0, 2);
        check(by_statistics(22), 0.0, 2);
        check(by_statistics(34), 0.0, 3);
        check(by_statistics(57), 0.0, 5);
        // Past the free tier it is read every five minutes all the same.
        check(by_statistics(5000), 0.0, 5);
        // 20 services each minute: 752,000 requests more than are free.
        check(by_statistics(20), 7.51, 2);
        check(by_statistics(20), 7.53, 1);
    }

    #[test]
    fn metric_data_is_never_free_and_disputed() {
        let loads = Loads {
            data: services(100),
            ..Loads::default()
        };
        let bill = bill(loads, 5);
        assert_eq!(bill.metrics, (1_752_000.0, 5_256_000.0));
        assert_eq!(bill.usd.0.round(), 18.0);
        assert_eq!(bill.usd.1.round(), 53.0);
        check(loads, 0.0, 5);
        check(loads, 90.0, 3);
    }

    #[test]
    fn the_cheaper_call_is_taken_while_it_keeps_up() {
        let of = |wanted, most| reader(services(10), wanted, most);
        assert_eq!(of(None, Some(20)), Reader::Statistics);
        assert_eq!(of(None, Some(19)), Reader::Data);
        assert_eq!(of(Some(Reader::Data), Some(20)), Reader::Data);
        assert_eq!(of(Some(Reader::Statistics), Some(1)), Reader::Statistics);
        assert_eq!(of(None, None), Reader::Statistics);
        assert_eq!(reader(services(1001), None, None), Reader::Data);
    }
}
