//! A block is the points of one series in one hour as they lie in a row of the database: a little-endian
//! double for each minute from the hour's first up to its last with a point, and a NaN where there is none,
//! which no posted value can be.

/// Minutes in an hour, and so the most values in a block.
const MINUTES: i64 = 60;

/// The bytes of a value.
const WIDTH: usize = size_of::<f64>();

/// The points of one series in one hour.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Block(Vec<u8>);

impl Block {
    /// A block as it was stored.
    pub fn of_bytes(bytes: Vec<u8>) -> Self {
        Self(bytes)
    }

    /// The bytes to store.
    pub fn bytes(&self) -> &[u8] {
        &self.0
    }

    /// Puts a value at a minute since the epoch, which must be one of the block's hour.
    pub fn set(&mut self, minute: i64, value: f64) {
        let start = place(minute) * WIDTH;
        while self.0.len() < start + WIDTH {
            self.0.extend(f64::NAN.to_le_bytes());
        }
        if let Some(bytes) = self.0.get_mut(start..start + WIDTH) {
            bytes.copy_from_slice(&value.to_le_bytes());
        }
    }

    /// The points by minute since the epoch, oldest first, for a block of this hour since the epoch.
    pub fn points(&self, hour: i64) -> impl DoubleEndedIterator<Item = (i64, f64)> {
        let (values, _) = self.0.as_chunks::<WIDTH>();
        (hour * MINUTES..)
            .take(values.len())
            .zip(values.iter().map(|bytes| f64::from_le_bytes(*bytes)))
            .collect::<Vec<_>>()
            .into_iter()
            .filter(|(_, value)| !value.is_nan())
    }
}

/// The hour since the epoch that a minute since the epoch lies in.
pub fn hour(minute: i64) -> i64 {
    minute.div_euclid(MINUTES)
}

fn place(minute: i64) -> usize {
    usize::try_from(minute.rem_euclid(MINUTES)).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn points_come_back_as_they_were_set_and_the_rest_stays_empty() {
        let mut block = Block::default();
        for (minute, value) in [(7_205, 0.1), (7_200, -0.0), (7_205, 0.3), (7_259, f64::MAX)] {
            block.set(minute, value);
        }
        let points: Vec<_> = block.points(120).collect();
        assert_eq!(points, [(7_200, -0.0), (7_205, 0.3), (7_259, f64::MAX)]);
        assert_eq!(block.bytes().len(), 480);
        let mut before_the_epoch = Block::default();
        before_the_epoch.set(-1, 1.0);
        assert_eq!(hour(-1), -1);
        assert_eq!(before_the_epoch.points(-1).collect::<Vec<_>>(), [(-1, 1.0)]);
    }
}
