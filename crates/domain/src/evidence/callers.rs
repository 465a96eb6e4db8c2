//! Who calls each function of a program.

use super::{FunctionId, SourceCode};

/// The functions that call each function, one step, in their order.
#[derive(Clone, Debug, Default)]
pub struct Callers {
    /// Where the callers of each function begin in `all`, and where the last ones end.
    begins: Vec<usize>,
    all: Vec<FunctionId>,
}

impl Callers {
    pub(super) fn of_all(source: &SourceCode) -> Self {
        let calls =
            || source.functions.iter().enumerate().flat_map(|(at, one)| one.calls.iter().map(move |to| (at, *to)));
        // Each count stands one further, so that after the sum it is where the next one begins.
        let mut begins = vec![0; source.functions.len() + 1];
        for (_, to) in calls() {
            if let Some(count) = begins.get_mut(to + 1) {
                *count += 1;
            }
        }
        let mut sum = 0;
        for count in &mut begins {
            sum += *count;
            *count = sum;
        }
        let mut next = begins.clone();
        let mut all = vec![0; sum];
        for (from, to) in calls() {
            if let Some(free) = next.get_mut(to)
                && let Some(place) = all.get_mut(*free)
            {
                *place = from;
                *free += 1;
            }
        }
        Self { begins, all }
    }

    /// Those of one function; none where there is no such function.
    pub fn of(&self, function: FunctionId) -> &[FunctionId] {
        let ends = self.begins.get(function).zip(self.begins.get(function + 1));
        ends.and_then(|(from, to)| self.all.get(*from..*to)).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        Place,
        evidence::{BodyUse, Function, FunctionKind, Role},
    };

    #[test]
    fn every_function_has_its_callers() {
        let function = |calls: &[FunctionId]| Function {
            name: String::new(),
            place: Place::whole("a.go"),
            role: Role::Product,
            calls: calls.to_vec(),
            perhaps: Vec::new(),
            uses: Vec::new(),
            unfollowed: Vec::new(),
            browser: false,
            parameters: 0,
            kind: FunctionKind::Named,
            refuses: false,
            body: BodyUse::Unread,
            asserts: false,
            fields: Vec::new(),
        };
        // The last call leads nowhere.
        let functions = vec![function(&[1, 2]), function(&[2, 1]), function(&[]), function(&[0, 9])];
        let callers = SourceCode { functions, ..SourceCode::default() }.callers();
        let of: Vec<&[FunctionId]> = (0..5).map(|function| callers.of(function)).collect();
        assert_eq!(of, [&[3][..], &[0, 1], &[0, 1], &[], &[]]);
    }
}
