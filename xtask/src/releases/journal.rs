//! What HAProxy wrote down of every answer: a witness that is not gonogo.

use std::collections::BTreeMap;

/// One answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Line {
    /// When it was out, in milliseconds since 1970.
    pub at: i64,
    pub server: String,
    /// 0: nobody waited for it.
    pub status: u16,
    /// In milliseconds.
    pub took: i64,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Journal {
    pub lines: Vec<Line>,
}

impl Journal {
    /// Lines of another form are HAProxy's own messages.
    pub(super) fn read(text: &str) -> Self {
        let line = |line: &str| {
            let mut words = line.split(' ');
            Some(Line {
                at: words.next()?.parse().ok()?,
                server: words.next()?.to_owned(),
                status: words.next()?.parse::<i32>().ok().map(|status| u16::try_from(status).unwrap_or(0))?,
                took: words.next()?.trim_start_matches('+').parse().ok()?,
            })
        };
        Self { lines: text.lines().filter_map(line).collect() }
    }

    /// The answers of these servers in a stretch of time, and those of all.
    pub(super) fn of(&self, servers: &[&str], from: i64, to: i64) -> (usize, usize) {
        let within = || self.lines.iter().filter(|line| (from..to).contains(&line.at));
        (within().filter(|line| servers.contains(&line.server.as_str())).count(), within().count())
    }

    /// How many answers had each status.
    pub(super) fn statuses(&self) -> BTreeMap<u16, u64> {
        let mut counts = BTreeMap::new();
        for line in &self.lines {
            *counts.entry(line.status).or_default() += 1;
        }
        counts
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_are_read_and_messages_are_left_out() {
        let text = "[NOTICE] haproxy version is 2.6\n1795357543989 green1 503 12\n1795357543999 blue1 202 3\n\
                    1795357544000 green1 -1 7\nServer app/green1 is UP\n";
        let journal = Journal::read(text);
        assert_eq!(journal.statuses(), BTreeMap::from([(0, 1), (202, 1), (503, 1)]));
        assert_eq!(journal.of(&["green1"], 1_795_357_543_989, 1_795_357_544_000), (1, 2));
    }
}
