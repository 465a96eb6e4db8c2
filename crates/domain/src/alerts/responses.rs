//! How urgent an alert is: the P of alert tables and the SEV of incidents, mapped once.

/// The priority of an alert. Source: field-notes B3.1f, B7.2 and C5: where two tables give different times, the stricter.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Priority {
    P1,
    P2,
    P3,
}

impl Priority {
    pub const ALL: [Self; 3] = [Self::P1, Self::P2, Self::P3];

    pub fn name(self) -> &'static str {
        match self {
            Self::P1 => "P1",
            Self::P2 => "P2",
            Self::P3 => "P3",
        }
    }

    /// The value of the label `severity`, in the words that Alertmanager's users route by.
    pub fn severity(self) -> &'static str {
        match self {
            Self::P1 => "critical",
            Self::P2 => "warning",
            Self::P3 => "ticket",
        }
    }

    /// The severity of the incident that it opens until somebody has looked.
    pub fn incident(self) -> &'static str {
        match self {
            Self::P1 => "SEV-1",
            Self::P2 => "SEV-2",
            Self::P3 => "SEV-3",
        }
    }

    /// When somebody answers.
    pub fn response(self) -> &'static str {
        match self {
            Self::P1 => "acknowledge within 15 minutes, at any hour",
            Self::P2 => "acknowledge within 30 minutes",
            Self::P3 => "within 4 hours of business",
        }
    }

    /// Somebody is woken.
    pub fn pages(self) -> bool {
        self != Self::P3
    }
}
