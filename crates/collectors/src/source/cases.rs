//! Tests as their frameworks find them, and whether anything in them can fail.

use gonogo_domain::evidence::{Function, FunctionId, Meaning, Role, TestCase, TestSkip};
use gonogo_source::{CallRole, Language, ScopeKind};

use super::{facts::Linker, program::FileId};

impl Linker<'_> {
    /// Finds the tests.
    pub(super) fn cases(&mut self) {
        let mut found: Vec<(FunctionId, String)> = Vec::new();
        for file in 0..self.program.files.len() {
            self.by_convention(file, &mut found);
        }
        for one in &self.code.uses {
            if one.meaning == Meaning::TestCase
                && let Some(function) = one.wraps.first()
            {
                let name = one.settings.get("name").and_then(|setting| setting.value.text());
                let own = self.code.functions.get(*function).map_or("", |function| function.name.as_str());
                found.push((*function, name.unwrap_or(own).to_owned()));
            }
        }
        found.sort();
        found.dedup_by_key(|(function, _)| *function);
        self.tables_mut().cases = found;
        self.skips();
    }

    /// Says of each test whether it can fail.
    pub(super) fn tests(&mut self) {
        let asserts = self.can_fail();
        let cases = self.cases.iter().filter_map(|(function, name)| {
            let place = self.code.functions.get(*function)?.place.clone();
            let asserts = asserts.get(*function).copied().unwrap_or_default();
            Some(TestCase { name: name.clone(), place, function: *function, asserts })
        });
        let mut tests: Vec<TestCase> = cases.collect();
        tests.sort_by(|one, other| one.place.cmp(&other.place));
        self.code.tests = tests;
    }

    /// The functions that can fail a test, and those that lead to one.
    fn can_fail(&self) -> Vec<bool> {
        let functions = &self.code.functions;
        let fails = |one: &Function| {
            let mut uses = one.uses.iter().filter_map(|id| self.code.uses.get(*id));
            one.asserts || uses.any(|one| one.meaning == Meaning::Assertion)
        };
        let mut found: Vec<bool> = functions.iter().map(fails).collect();
        let mut open: Vec<FunctionId> = (0..found.len()).filter(|at| found.get(*at) == Some(&true)).collect();
        let callers = self.code.callers();
        while let Some(next) = open.pop() {
            for caller in callers.of(next) {
                if let Some(known) = found.get_mut(*caller).filter(|known| !**known) {
                    *known = true;
                    open.push(*caller);
                }
            }
        }
        found
    }

    /// Tests that go by the names of their functions.
    fn by_convention(&self, file: FileId, found: &mut Vec<(FunctionId, String)>) {
        let Some(unit) = self.program.files.get(file) else { return };
        let name = unit.path.rsplit('/').next().unwrap_or_default();
        let stem = name.split('.').next().unwrap_or_default();
        let holds_tests = match unit.language {
            Language::Go => stem.ends_with("_test"),
            Language::Python => stem.starts_with("test") || stem.ends_with("_test"),
            Language::Php => stem.ends_with("Test"),
            _ => false,
        };
        let tests = unit.outline.functions.iter().filter(|one| holds_tests && one.tests);
        found.extend(tests.filter_map(|one| Some((*self.functions.get(&(file, one.scope))?, one.own.clone()))));
    }

    fn skips(&mut self) {
        let mut skips = Vec::new();
        for (&(file, at), id) in &self.uses {
            let Some(one) = self.code.uses.get(*id).filter(|one| one.meaning == Meaning::TestSkipped) else { continue };
            let Some(unit) = self.program.files.get(file) else { continue };
            let Some(call) = unit.module.calls.get(at) else { continue };
            let within = unit.module.around(call.scope).take_while(|(_, scope)| scope.kind != ScopeKind::Function);
            let conditional = call.role != CallRole::Annotation
                && (within.into_iter().any(|(_, scope)| scope.kind == ScopeKind::Branch) || one.role == Role::Example);
            let reason = one.settings.contains_key("reason");
            skips.push(TestSkip { place: one.place.clone(), reason, conditional });
        }
        skips.sort_by(|one, other| one.place.cmp(&other.place));
        self.code.skips = skips;
    }
}
