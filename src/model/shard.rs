//! Shards: several pollers with one configuration, each for its own part of the clusters. Which
//! cluster is whose depends on its ARN and the number of shards alone, so that nobody has to agree
//! on anything.

use super::hash::stable_hash;
use super::id::ClusterArn;

/// One part of several.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shard {
    /// Which one, from 0.
    pub index: u32,
    /// Of how many, at least one.
    pub count: u32,
}

impl Shard {
    /// Whether a cluster is this shard's. Each cluster goes to the shard that has the highest hash
    /// together with it (rendezvous hashing): one more shard takes its share from all the others
    /// and moves nothing between them.
    pub fn holds(&self, cluster: &ClusterArn) -> bool {
        let cluster = stable_hash(cluster.as_str());
        let weight = |shard: u32| mix(cluster ^ mix(u64::from(shard)));
        let own = weight(self.index);
        (0..self.count).all(|other| other == self.index || weight(other) < own)
    }
}

/// Spreads a number over all its bits (the finalizer of SplitMix64).
fn mix(number: u64) -> u64 {
    let number = number.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let number = (number ^ (number >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let number = (number ^ (number >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    number ^ (number >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    const CLUSTERS: u32 = 10_000;

    fn shard_of(cluster: u32, count: u32) -> u32 {
        let arn = format!("arn:aws:ecs:eu-west-1:111122223333:cluster/c{cluster}");
        let arn = ClusterArn::new(&arn);
        let holders: Vec<u32> = (0..count)
            .filter(|index| {
                Shard {
                    index: *index,
                    count,
                }
                .holds(&arn)
            })
            .collect();
        assert_eq!(holders.len(), 1, "{arn} is held by {holders:?}");
        holders[0]
    }

    #[test]
    fn shards_are_about_as_large() {
        for count in [1, 2, 3, 7, 20] {
            let mut sizes = vec![0; count as usize];
            for cluster in 0..CLUSTERS {
                sizes[shard_of(cluster, count) as usize] += 1;
            }
            let share = CLUSTERS / count;
            let slack = share / 5;
            let fair = |size: &u32| (share - slack..=share + slack).contains(size);
            assert!(sizes.iter().all(fair), "{sizes:?}");
        }
    }

    #[test]
    fn one_more_shard_takes_its_share_and_moves_nothing_else() {
        let moved: Vec<u32> = (0..CLUSTERS)
            .filter(|cluster| shard_of(*cluster, 7) != shard_of(*cluster, 8))
            .map(|cluster| shard_of(cluster, 8))
            .collect();
        assert!(moved.iter().all(|to| *to == 7));
        assert!((1100..1400).contains(&moved.len()), "{}", moved.len());
    }
}
