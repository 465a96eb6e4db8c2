//! Attestations: a person's dated statement, used as evidence.

use std::collections::BTreeMap;

use jiff::civil::Date;

use crate::{Check, Message, Place, Reading, Readings, Strength};

/// What a person states about a check, until the statement expires.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attestation {
    pub check: String,
    pub service: Option<String>,
    /// True: the title holds. False: the person states that it does not.
    pub holds: bool,
    pub statement: String,
    pub by: String,
    /// The day of what is stated: of the drill, of the message, of the look.
    pub on: Date,
    /// The last day on which it counts.
    pub expires: Date,
    /// A link to what can be looked at.
    pub link: Option<String>,
    /// The fields of a dated record: `environment`, `backup`, `duration` …
    pub record: BTreeMap<String, String>,
    pub place: Place,
}

/// Why an attestation does not count.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AttestationProblem {
    pub place: Place,
    pub message: Message,
}

impl Attestation {
    pub fn concerns(&self, check: &str, service: &str) -> bool {
        self.check == check && self.service.as_deref().is_none_or(|name| name == service)
    }

    /// Why it does not count today; none: it does.
    pub fn refusal(&self, today: Date) -> Option<Message> {
        if self.expires < today {
            return Some(Message::new(
                format!("the attestation of {} by {} expired on {}", self.check, self.by, self.expires),
                format!("{} 对 {} 的声明已于 {} 到期", self.by, self.check, self.expires),
            ));
        }
        if self.on > today {
            return Some(Message::new(
                format!("the attestation of {} speaks of {}, which is still to come", self.check, self.on),
                format!("{} 的声明日期 {} 尚未到来", self.check, self.on),
            ));
        }
        None
    }

    /// A statement is *declared*; a record with every field that the check names is *exercised*.
    pub fn strength(&self, check: &Check) -> Strength {
        let whole = !check.record.is_empty()
            && check.record.iter().all(|field| self.record.get(*field).is_some_and(|value| !value.trim().is_empty()));
        if whole { Strength::Exercised } else { Strength::Declared }
    }

    /// Adds the statement to the readings of its check; a reading of the same strength from a file stays.
    pub(crate) fn add_to(&self, check: &Check, readings: Readings) -> Readings {
        let strength = self.strength(check);
        if readings.get(strength).is_some_and(|reading| {
            !matches!(reading.conclusion, crate::Conclusion::Unknown | crate::Conclusion::NotFound)
        }) {
            return readings;
        }
        let place = Place::Attestation { by: self.by.clone(), on: self.on, record: Box::new(self.place.clone()) };
        let en = format!("{} states: {}", self.by, self.statement);
        let zh = format!("{} 声明：{}", self.by, self.statement);
        let reading = if self.holds {
            Reading::shown([place], en, zh)
        } else {
            let finding = crate::Finding::new(&place, en.clone(), zh.clone());
            Reading::refuted(vec![finding], en, zh)
        };
        readings.and(strength, Ok(reading.dated(Some(self.on))))
    }
}
