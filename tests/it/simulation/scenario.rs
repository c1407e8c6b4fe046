//! A run as plain data: what exists on AWS, which pollers live when and how they end, and what goes
//! wrong in between. Printed when a run fails; `draw` makes it from a seed.

use mackerel_ecs::demo::aws::fleet::cluster::Cluster;
use mackerel_ecs::demo::aws::options::Lateness;

/// How long the run is left in peace at its end, in seconds: everything that can be made up for
/// must be by then.
pub(super) const CALM: i64 = 40 * 60;

/// One run. Times are seconds since its start.
#[derive(Debug, Clone)]
pub(super) struct Scenario {
    /// What it was drawn from.
    pub(super) seed: u64,
    /// How long it is.
    pub(super) seconds: i64,
    /// The poller's profile of metrics.
    pub(super) profile: &'static str,
    /// The poller's share of AWS's rates.
    pub(super) rate_share: f64,
    /// Whether the poller assumes a role, with sessions that expire.
    pub(super) assumes_role: bool,
    /// With which call CloudWatch is read, and every how many minutes.
    pub(super) reader: &'static str,
    pub(super) every: i64,
    /// How late CloudWatch is.
    pub(super) lateness: Lateness,
    /// Whether Mackerel lets two hosts have one custom identifier.
    pub(super) duplicate_hosts: bool,
    /// Whether Mackerel drops points of an unknown host without a word.
    pub(super) ignores_unknown_hosts: bool,
    /// How many counts the poller keeps at most while Mackerel takes none.
    pub(super) most_held: usize,
    /// After how many minutes the hosts of clusters that are gone are retired, if they are.
    pub(super) retire_after: Option<i64>,
    /// The usual time on the way, there or back, in milliseconds at the most.
    pub(super) latency: u64,
    /// How many requests of 10,000 meet with some mishap on a fine day.
    pub(super) mishaps: u32,
    /// The clusters of the first Region.
    pub(super) fleet: Vec<Cluster>,
    /// The cluster of the second Region.
    pub(super) far: Cluster,
    /// The pollers.
    pub(super) lives: Vec<Life>,
    /// What goes wrong for a time.
    pub(super) weather: Vec<Spell>,
}

/// One process of the poller.
#[derive(Debug, Clone)]
pub(super) struct Life {
    /// When it starts.
    pub(super) from: i64,
    /// Whether it is `--once`.
    pub(super) once: bool,
    /// How it ends.
    pub(super) end: End,
}

impl Life {
    /// The second at which it ends, as far as it is known beforehand.
    pub(super) fn ends(&self) -> i64 {
        match self.end {
            End::Killed(at)
            | End::Stopped(at)
            | End::KilledAt { from: at, .. }
            | End::StoppedAt { from: at, .. } => at,
            End::Never => i64::MAX,
        }
    }
}

/// How a process ends.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum End {
    /// Killed at a moment.
    Killed(i64),
    /// Killed at the so manieth request after a moment, before or after the other side has done
    /// its work.
    KilledAt {
        /// The moment.
        from: i64,
        /// How many requests later.
        request: u32,
        /// Before the other side sees it.
        before: bool,
    },
    /// Told to stop at a moment, as by SIGTERM.
    Stopped(i64),
    /// Told to stop at the so manieth request after a moment.
    StoppedAt {
        /// The moment.
        from: i64,
        /// How many requests later.
        request: u32,
    },
    /// Still alive at the end.
    Never,
}

/// Something that goes wrong from one moment to another.
#[derive(Debug, Clone)]
pub(super) struct Spell {
    /// The first moment.
    pub(super) from: i64,
    /// The first moment after.
    pub(super) to: i64,
    /// What.
    pub(super) what: Weather,
}

/// What goes wrong. Shares are in percent of the requests.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Weather {
    /// No connection, or none that is ever answered.
    Unreachable(Side),
    /// Answers with a status of 500 or more.
    Failing(Side, u32),
    /// Throttling; on Mackerel 429, with `Retry-After` or without.
    Throttled(Side, u32),
    /// Answers that are lost, broken off, slow, or never come.
    Flaky(Side, u32),
    /// Results of GetMetricData that are partial or failed.
    Spoiled(u32),
    /// A permission is taken away, for one cluster or all.
    Denied {
        /// The IAM action.
        action: &'static str,
        /// The cluster's name.
        cluster: Option<&'static str>,
    },
    /// AWS says of all requests that the credentials have expired.
    Expired,
    /// Answers with status 200 that hold a page, or nothing.
    Nonsense(Side, u32),
    /// Mackerel refuses points with this in the metric's name.
    Poison(&'static str),
    /// The poller's clock is wrong by so many seconds.
    Skewed(i64),
    /// A person retires the cluster's host at the beginning.
    RetiredByHand(&'static str),
}

/// The other side of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Side {
    /// CloudWatch.
    CloudWatch,
    /// ECS.
    Ecs,
    /// ECS, CloudWatch and STS.
    Aws,
    /// Mackerel.
    Mackerel,
    /// Mackerel's call that takes points, and no other.
    Points,
    /// Everything.
    All,
}

impl Scenario {
    /// From when on nothing goes wrong any more.
    pub(super) fn calm_from(&self) -> i64 {
        self.seconds - CALM
    }

    /// How long after its start the last minute of the slowest series is settled, in seconds.
    pub(super) fn settling(&self) -> i64 {
        let lateness = self.lateness;
        let revised = lateness.revised.map_or(0, |revised| revised.latest);
        i64::from((lateness.settled_after + lateness.jitter).max(revised))
    }

    /// How much later than a minute's settling it may be read, as CloudWatch is not read at each
    /// poll, in seconds.
    pub(super) fn waiting(&self) -> i64 {
        (self.every - 1) * 60
    }

    /// How much later something may come because of mishaps, in seconds: two polls that meet with one.
    /// Two readings in a row do so once in a thousand hours.
    pub(super) fn unlucky(&self) -> i64 {
        if self.mishaps > 0 { 120 } else { 0 }
    }

    /// What holds at a moment.
    pub(super) fn weather_at(&self, second: i64) -> impl Iterator<Item = &Weather> {
        let holds = move |spell: &&Spell| spell.from <= second && second < spell.to;
        self.weather.iter().filter(holds).map(|spell| &spell.what)
    }

    /// Whether Mackerel did not take everything in the minutes before a moment.
    pub(super) fn troubles_mackerel(&self, second: i64) -> bool {
        self.mackerel_troubled(second).next().is_some()
    }

    /// Up to when Mackerel took everything, at a moment.
    pub(super) fn taken_until(&self, second: i64) -> i64 {
        let troubles = self.mackerel_troubled(second).map(|spell| spell.from);
        troubles.min().unwrap_or(second)
    }

    fn mackerel_troubled(&self, second: i64) -> impl Iterator<Item = &Spell> {
        self.weather.iter().filter(move |spell| {
            let (Weather::Unreachable(side)
            | Weather::Failing(side, _)
            | Weather::Throttled(side, _)
            | Weather::Flaky(side, _)
            | Weather::Nonsense(side, _)) = spell.what
            else {
                return false;
            };
            matches!(side, Side::Mackerel | Side::Points | Side::All)
                && spell.from <= second
                && second < spell.to + 180
        })
    }

    /// Whether a life was told to stop while nothing was wrong.
    pub(super) fn is_peaceful(&self, life: &Life) -> bool {
        let (End::Stopped(at) | End::StoppedAt { from: at, .. }) = life.end else {
            return false;
        };
        self.is_quiet(at - 420, at + 1200)
    }

    /// Whether nothing was wrong from one moment to another.
    pub(super) fn is_quiet(&self, from: i64, to: i64) -> bool {
        let mut spells = self.weather.iter();
        self.mishaps == 0 && spells.all(|spell| spell.to + 180 < from || to < spell.from)
    }

    /// Whether the poller's clock is ever wrong.
    pub(super) fn is_ever_skewed(&self) -> bool {
        let mut spells = self.weather.iter();
        spells.any(|spell| matches!(spell.what, Weather::Skewed(_)))
    }

    /// By how much the poller's clock is wrong at a moment, in seconds.
    pub(super) fn skew_at(&self, second: i64) -> i64 {
        let skew = |weather: &Weather| match weather {
            Weather::Skewed(seconds) => Some(*seconds),
            _ => None,
        };
        self.weather_at(second).find_map(skew).unwrap_or(0)
    }
}
