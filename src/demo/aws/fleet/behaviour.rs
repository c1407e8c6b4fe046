//! What a service does over time: its task counts and its deployments as pure functions.
//!
//! All but [`Behaviour::Scripted`] and [`Behaviour::ScaleToZero`] change at whole minutes only, so
//! that the `SampleCount` of a minute is the number of tasks that ran in it.

use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};

/// The task counts of a service at one moment, as DescribeServices reports them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Counts {
    /// How many tasks the service should run.
    pub desired: u32,
    /// How many tasks run.
    pub running: u32,
    /// How many tasks are being started.
    pub pending: u32,
}

impl Counts {
    /// Counts in the order desired, running, pending.
    pub fn new(desired: u32, running: u32, pending: u32) -> Counts {
        Counts {
            desired,
            running,
            pending,
        }
    }

    fn all_running(tasks: u32) -> Counts {
        Counts::new(tasks, tasks, 0)
    }
}

/// The way in which the task counts of a service change with time.
#[derive(Debug, Clone, PartialEq)]
pub enum Behaviour {
    /// All tasks run, always.
    Steady {
        /// The number of tasks.
        tasks: u32,
    },
    /// Tasks are wanted and none runs (an image that is missing, no capacity).
    Stopped {
        /// The number of tasks that are wanted.
        desired: u32,
    },
    /// No task is wanted and none runs.
    Idle,
    /// Steady until a moment, with no task wanted or running from it on.
    ScaleToZero {
        /// The number of tasks before.
        tasks: u32,
        /// The moment from which there are none.
        at: DateTime<Utc>,
    },
    /// A daily wave from `low` (at 0:00 UTC) to `high` (at 12:00 UTC) in steps of ten minutes.
    /// Running tasks follow two minutes after the desired count.
    ScaleOut {
        /// The number of tasks at night.
        low: u32,
        /// The number of tasks at noon.
        high: u32,
    },
    /// A rolling deployment every so often, counted from the creation of the service (which is not
    /// itself a deployment). The running count stays the same during it; every third deployment
    /// begins before the one before it has drained, so that there are three.
    Deploying {
        /// The number of tasks.
        tasks: u32,
        /// Minutes from the start of a deployment to the start of the next.
        every_minutes: u32,
        /// Minutes that a deployment takes.
        lasts_minutes: u32,
    },
    /// Tasks start, run for three minutes, die, and are pending for two minutes, without end.
    CrashLooping {
        /// The number of tasks that are wanted.
        desired: u32,
    },
    /// Exactly these counts, each from its moment on; nothing before the first.
    Scripted(Arc<[(DateTime<Utc>, Counts)]>),
}

/// The state of a deployment of the ECS controller.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DeploymentStatus {
    /// The newest one.
    Primary,
    /// An older one that still has tasks.
    Active,
}

/// One entry of `deployments[]` of a service.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Deployment {
    /// Counts the deployments of a service from 1; also its task definition's revision.
    pub number: u64,
    /// Newest or draining.
    pub status: DeploymentStatus,
    /// The counts of this deployment's own tasks.
    pub counts: Counts,
    /// Tasks that failed to reach a steady state one after the other.
    pub failed_tasks: u32,
    /// Whether the rollout is complete, else it is in progress.
    pub completed: bool,
    /// When the deployment began.
    pub created_at: DateTime<Utc>,
    /// When the deployment last changed.
    pub updated_at: DateTime<Utc>,
}

const CRASH_MINUTES: i64 = 5;
const CRASH_PENDING_MINUTES: i64 = 2;
const STEP_MINUTES: i64 = 10;
const FOLLOW_MINUTES: i64 = 2;
const DAY_MINUTES: i64 = 24 * 60;

impl Behaviour {
    /// The counts at a moment of a service that was created at `origin`.
    pub fn counts(&self, origin: DateTime<Utc>, time: DateTime<Utc>) -> Counts {
        match *self {
            Behaviour::Steady { tasks } | Behaviour::Deploying { tasks, .. } => {
                let pending = self.rollout(origin, time).map_or(0, |roll| roll.pending);
                Counts::new(tasks, tasks, pending)
            }
            Behaviour::Stopped { desired } => Counts::new(desired, 0, 0),
            Behaviour::Idle => Counts::default(),
            Behaviour::ScaleToZero { at, .. } if time >= at => Counts::default(),
            Behaviour::ScaleToZero { tasks, .. } => Counts::all_running(tasks),
            Behaviour::ScaleOut { low, high } => {
                let minute = time.timestamp().div_euclid(60);
                let desired = wave(low, high, minute);
                let running = wave(low, high, minute - FOLLOW_MINUTES);
                Counts::new(desired, running, desired.saturating_sub(running))
            }
            Behaviour::CrashLooping { desired } => {
                let minute = minutes_between(origin, time);
                if minute.rem_euclid(CRASH_MINUTES) < CRASH_PENDING_MINUTES {
                    Counts::new(desired, 0, desired)
                } else {
                    Counts::all_running(desired)
                }
            }
            Behaviour::Scripted(ref steps) => steps
                .iter()
                .rev()
                .find(|(from, _)| *from <= time)
                .map_or_else(Counts::default, |(_, counts)| *counts),
        }
    }

    /// The deployments at a moment, newest first: one, or up to three while one is under way.
    pub fn deployments(&self, origin: DateTime<Utc>, time: DateTime<Utc>) -> Vec<Deployment> {
        let counts = self.counts(origin, time);
        let primary = Deployment {
            number: 1,
            status: DeploymentStatus::Primary,
            counts,
            failed_tasks: 0,
            completed: true,
            created_at: origin,
            updated_at: origin,
        };
        match *self {
            Behaviour::Deploying { every_minutes, .. } => {
                let every = i64::from(every_minutes.max(1));
                let cycle = minutes_between(origin, time).div_euclid(every).max(0);
                let number = cycle.unsigned_abs() + 1;
                let newest = Deployment {
                    number,
                    created_at: self.deployed_at(origin, number),
                    updated_at: self.deployed_at(origin, number),
                    ..primary
                };
                match self.rollout(origin, time) {
                    None => vec![newest],
                    Some(rollout) => {
                        rollout.deployments(&newest, |number| self.deployed_at(origin, number))
                    }
                }
            }
            Behaviour::CrashLooping { desired } => {
                let minute = minutes_between(origin, time).max(0);
                let today = minute.rem_euclid(DAY_MINUTES);
                let deaths = u32::try_from(today / CRASH_MINUTES).unwrap_or(u32::MAX);
                let number = minute.div_euclid(DAY_MINUTES).unsigned_abs() + 1;
                vec![Deployment {
                    number,
                    failed_tasks: deaths.saturating_mul(desired),
                    completed: false,
                    created_at: self.deployed_at(origin, number),
                    updated_at: origin + TimeDelta::minutes(minute),
                    ..primary
                }]
            }
            Behaviour::Stopped { .. } => vec![Deployment {
                completed: false,
                ..primary
            }],
            _ => vec![primary],
        }
    }

    /// When the deployment of a number, which counts from 1, begins.
    pub fn deployed_at(&self, origin: DateTime<Utc>, number: u64) -> DateTime<Utc> {
        let every = match *self {
            Behaviour::Deploying { every_minutes, .. } => i64::from(every_minutes.max(1)),
            Behaviour::CrashLooping { .. } => DAY_MINUTES,
            _ => 0,
        };
        let before = i64::try_from(number.saturating_sub(1)).unwrap_or(i64::MAX);
        let passed = TimeDelta::try_minutes(every.saturating_mul(before)).unwrap_or_default();
        origin + passed
    }

    fn rollout(&self, origin: DateTime<Utc>, time: DateTime<Utc>) -> Option<Rollout> {
        let Behaviour::Deploying {
            tasks,
            every_minutes,
            lasts_minutes,
        } = *self
        else {
            return None;
        };
        let minute = minutes_between(origin, time);
        let every = i64::from(every_minutes.max(1));
        let (cycle, phase) = (minute.div_euclid(every), minute.rem_euclid(every));
        let lasts = i64::from(lasts_minutes);
        if cycle < 1 || phase >= lasts {
            return None;
        }
        let replaced = u32::try_from(i64::from(tasks) * phase / lasts).unwrap_or(tasks);
        let left = tasks - replaced.min(tasks);
        Some(Rollout {
            replaced,
            left,
            pending: left.min((tasks / 4).max(1)),
            oldest: u32::from(cycle % 3 == 2 && phase < lasts / 2 && left >= 2),
        })
    }
}

/// How far a rolling deployment has come.
struct Rollout {
    replaced: u32,
    left: u32,
    pending: u32,
    oldest: u32,
}

impl Rollout {
    fn deployments(
        &self,
        newest: &Deployment,
        deployed_at: impl Fn(u64) -> DateTime<Utc>,
    ) -> Vec<Deployment> {
        let draining = |back: u64, tasks: u32| {
            let number = newest.number.saturating_sub(back);
            Deployment {
                number,
                status: DeploymentStatus::Active,
                counts: Counts::all_running(tasks),
                created_at: deployed_at(number),
                updated_at: newest.created_at,
                ..newest.clone()
            }
        };
        let mut deployments = vec![
            Deployment {
                counts: Counts::new(newest.counts.desired, self.replaced, self.pending),
                completed: false,
                ..newest.clone()
            },
            draining(1, self.left - self.oldest),
        ];
        if self.oldest > 0 {
            deployments.push(draining(2, self.oldest));
        }
        deployments
    }
}

fn minutes_between(origin: DateTime<Utc>, time: DateTime<Utc>) -> i64 {
    time.timestamp().div_euclid(60) - origin.timestamp().div_euclid(60)
}

fn wave(low: u32, high: u32, minute: i64) -> u32 {
    let step = minute.div_euclid(STEP_MINUTES) * STEP_MINUTES;
    let turn = step.rem_euclid(DAY_MINUTES) as f64 / DAY_MINUTES as f64;
    let height = (1.0 - (turn * std::f64::consts::TAU).cos()) / 2.0;
    low + (f64::from(high.saturating_sub(low)) * height).round() as u32
}
