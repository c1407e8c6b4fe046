//! A task and its containers as a function of time: when each runs, and what it has used by then.

use chrono::{DateTime, TimeDelta, Utc};

use crate::demo::aws::fleet::arn;
use crate::demo::aws::fleet::noise::{hex_id, mix, seed_of, unit};

/// The account of the simulated tasks.
const ACCOUNT: &str = "111122223333";

/// Their Region.
const REGION: &str = "ap-northeast-1";

/// What a task runs on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Platform {
    /// AWS Fargate.
    Fargate,
    /// An EC2 instance.
    Ec2,
    /// An ECS managed instance.
    ManagedInstances,
    /// A machine elsewhere.
    Anywhere,
}

/// How its containers are on the network.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NetworkMode {
    /// One network interface of its own for the task.
    Awsvpc,
    /// A virtual interface for each container.
    Bridge,
    /// The machine's own.
    Host,
}

/// Which version of the kernel's control groups the machine has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cgroup {
    /// The older one (Amazon Linux 2).
    V1,
    /// The newer one (Amazon Linux 2023).
    V2,
}

/// A task.
#[derive(Debug, Clone, PartialEq)]
pub struct Task {
    /// 32 hexadecimal digits.
    pub id: String,
    /// The cluster's name.
    pub cluster: String,
    /// The family of its task definition.
    pub family: String,
    /// What it runs on.
    pub platform: Platform,
    /// How it is on the network.
    pub network: NetworkMode,
    /// The machine's control groups.
    pub cgroup: Cgroup,
    /// When its images were pulled; containers start from then on.
    pub began: DateTime<Utc>,
    /// Its limits in vCPU and MiB; a task on EC2 may have none.
    pub limits: Option<(f64, u64)>,
    /// Its containers.
    pub containers: Vec<Container>,
    /// When it is to end.
    pub ends: Option<DateTime<Utc>>,
}

/// A container.
#[derive(Debug, Clone, PartialEq)]
pub struct Container {
    /// Its name in the task definition.
    pub name: String,
    /// Its memory limit in MiB, if it has one of its own.
    pub memory_limit: Option<u64>,
    /// Its use of CPUs in the mean.
    pub cpus: f64,
    /// Its memory in bytes in the mean, without files that the kernel only keeps at hand.
    pub memory: u64,
    /// Seconds from the task's beginning until it starts.
    pub starts_after: i64,
    /// It ends after so many seconds with an exit code.
    pub ends_after: Option<(i64, i64)>,
    /// It is restarted, under the same id, after each so many seconds.
    pub restarts_every: Option<i64>,
    /// Whether the task definition has a health check for it.
    pub has_health_check: bool,
    /// Whether ECS has added it, to hold the network.
    pub is_pause: bool,
}

/// What a container has used since it was started.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Used {
    /// Nanoseconds of CPU time.
    pub cpu: u64,
    /// Bytes of memory, without idle files.
    pub memory: u64,
    /// Bytes of idle files.
    pub idle_files: u64,
    /// Bytes received and sent.
    pub traffic: (u64, u64),
    /// Bytes read from and written to disks.
    pub block_io: (u64, u64),
    /// Periods of the scheduler, and those in which it had to wait.
    pub throttling: (u64, u64),
}

/// What a container is at a moment.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum State {
    /// Not yet started.
    Pending,
    /// Running since then, after so many restarts.
    Running(DateTime<Utc>, u64),
    /// Ended then, with an exit code.
    Stopped(DateTime<Utc>, i64),
}

impl Task {
    /// A task that began at a moment, with the id that its family gives.
    pub fn new(
        family: &str,
        platform: Platform,
        network: NetworkMode,
        began: DateTime<Utc>,
    ) -> Self {
        Task {
            id: hex_id(seed_of(family)),
            cluster: "prod".to_owned(),
            family: family.to_owned(),
            platform,
            network,
            cgroup: Cgroup::V2,
            began,
            limits: (platform == Platform::Fargate).then_some((0.5, 1024)),
            containers: Vec::new(),
            ends: None,
        }
    }

    /// The same on a machine with these control groups.
    pub fn cgroup(mut self, cgroup: Cgroup) -> Self {
        self.cgroup = cgroup;
        self
    }

    /// The same with a container more.
    pub fn container(mut self, container: Container) -> Self {
        self.containers.push(container);
        self
    }

    /// Its ARN.
    pub fn arn(&self) -> String {
        let resource = format!("task/{}/{}", self.cluster, self.id);
        arn::ecs(ACCOUNT, REGION, &resource)
    }

    /// Its cluster as this platform tells it: the name on EC2, the ARN on Fargate.
    pub fn cluster_as_told(&self) -> String {
        match self.platform {
            Platform::Fargate => arn::cluster(ACCOUNT, REGION, &self.cluster),
            _ => self.cluster.clone(),
        }
    }

    /// The id of a container: 64 digits, on Fargate the task's and ten more.
    pub fn docker_id(&self, container: &Container) -> String {
        let seed = mix(seed_of(&self.id), seed_of(&container.name));
        match self.platform {
            Platform::Fargate => format!("{}-{:010}", self.id, seed % 10_000_000_000),
            _ => format!("{}{}", hex_id(seed), hex_id(mix(seed, 1))),
        }
    }

    /// Whether all containers have been started.
    pub fn is_running(&self, now: DateTime<Utc>) -> bool {
        let is_pending = |container: &Container| self.state(container, now) == State::Pending;
        !self.containers.iter().any(is_pending)
    }

    /// What a container is.
    pub fn state(&self, container: &Container, now: DateTime<Utc>) -> State {
        let started = self.began + TimeDelta::seconds(container.starts_after);
        if now < started {
            return State::Pending;
        }
        if let Some((after, code)) = container.ends_after
            && now >= started + TimeDelta::seconds(after)
        {
            return State::Stopped(started + TimeDelta::seconds(after), code);
        }
        match container.restarts_every {
            None => State::Running(started, 0),
            Some(every) => {
                let restarts = (now - started).num_seconds() / every.max(1);
                let last = started + TimeDelta::seconds(restarts * every);
                State::Running(last, restarts.unsigned_abs())
            }
        }
    }

    /// The traffic of the task as a whole.
    pub fn traffic(&self, now: DateTime<Utc>) -> (u64, u64) {
        let all = self.containers.iter().filter_map(|container| {
            let State::Running(since, _) = self.state(container, now) else {
                return None;
            };
            Some(container.used(since, now).traffic)
        });
        all.fold((0, 0), |sum, own| (sum.0 + own.0, sum.1 + own.1))
    }
}

impl Container {
    /// A container that uses so much CPU and so many MiB, from the task's beginning on.
    pub fn new(name: &str, cpus: f64, mebibytes: u64) -> Self {
        Container {
            name: name.to_owned(),
            memory_limit: None,
            cpus,
            memory: mebibytes << 20,
            starts_after: 1,
            ends_after: None,
            restarts_every: None,
            has_health_check: false,
            is_pause: false,
        }
    }

    /// The container that holds the network of a task on EC2 in mode `awsvpc`.
    pub fn pause() -> Self {
        Container {
            is_pause: true,
            starts_after: 0,
            ..Container::new("~internal~ecs~pause", 0.0, 1)
        }
    }

    /// The same with a memory limit of its own in MiB.
    pub fn limited(mut self, mebibytes: u64) -> Self {
        self.memory_limit = Some(mebibytes);
        self
    }

    /// The same with a health check.
    pub fn with_health_check(mut self) -> Self {
        self.has_health_check = true;
        self
    }

    /// What it has used by now when it runs since then. The load swings by half around its mean
    /// every fifteen minutes; a counter is the exact integral of it.
    pub fn used(&self, since: DateTime<Utc>, now: DateTime<Utc>) -> Used {
        let seconds = |time: DateTime<Utc>| time.timestamp_millis() as f64 / 1000.0;
        let phase = unit(seed_of(&self.name)) * std::f64::consts::TAU;
        let pace = std::f64::consts::TAU / 900.0;
        let integral = |t: f64| t - 0.5 / pace * (pace * t + phase).cos();
        let (from, to) = (seconds(since), seconds(now));
        let load = (integral(to) - integral(from)).max(0.0);
        let swing = 1.0 + 0.1 * (pace * to + phase).sin();
        let of_load = |per_second: f64| (per_second * load) as u64;
        let periods = ((to - from) * 10.0).max(0.0) as u64;
        Used {
            cpu: of_load(self.cpus * 1e9),
            memory: (self.memory as f64 * swing) as u64,
            idle_files: self.memory / 4,
            traffic: (of_load(self.cpus * 2e6), of_load(self.cpus * 5e5)),
            block_io: (of_load(self.cpus * 1e5), of_load(self.cpus * 3e5)),
            throttling: (periods, periods / 20),
        }
    }
}

/// The tasks that the demo shows: one on Fargate and one on EC2 in bridge mode.
pub fn demo_tasks(now: DateTime<Utc>) -> Vec<Task> {
    let began = now - TimeDelta::minutes(42);
    let web = Task::new("shop-web", Platform::Fargate, NetworkMode::Awsvpc, began)
        .cgroup(Cgroup::V1)
        .container(
            Container::new("nginx", 0.05, 60)
                .limited(128)
                .with_health_check(),
        )
        .container(Container::new("app", 0.25, 420).limited(768))
        .container(Container::new("log-router", 0.01, 40));
    let worker = Container {
        restarts_every: Some(1_500),
        ..Container::new("worker", 0.4, 700).limited(1024)
    };
    let batch = Task::new("shop-batch", Platform::Ec2, NetworkMode::Bridge, began)
        .container(worker)
        .container(Container::new("statsd", 0.02, 30).limited(64));
    vec![web, batch]
}

/// A task on Fargate with so many containers.
pub fn busy_task(now: DateTime<Utc>, containers: u32) -> Task {
    let began = now - TimeDelta::minutes(42);
    let task = Task::new("busy", Platform::Fargate, NetworkMode::Awsvpc, began);
    (0..containers).fold(task, |task, n| {
        task.container(Container::new(&format!("container-{n:02}"), 0.02, 40).with_health_check())
    })
}
