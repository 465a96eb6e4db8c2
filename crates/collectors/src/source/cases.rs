//! Tests as their frameworks find them, and whether anything in them can fail.

use gonogo_domain::evidence::{Function, FunctionId, Meaning, Role, TestCase, TestSkip};
use gonogo_source::{CallRole, Expr, Language, ScopeKind};

use super::{facts::Linker, program::FileId};

impl Linker<'_> {
    /// What a function gives back may turn the caller away too: `return "no", 401`.
    fn refuses_by_return(&mut self, file: FileId) {
        let Some(context) = self.context(file) else { return };
        for returned in &context.module.returns {
            let mut refuses = false;
            returned.value.walk(&mut |value| {
                refuses |= matches!(value, Expr::Number(number) if matches!(number.as_str(), "401" | "403"));
            });
            if let Some(function) = self.function_at(file, returned.scope).filter(|_| refuses)
                && let Some(one) = self.code.functions.get_mut(function)
            {
                one.refuses = true;
            }
        }
    }

    /// Finds the tests.
    pub(super) fn cases(&mut self) {
        let mut found: Vec<(FunctionId, String)> = Vec::new();
        for file in 0..self.program.files.len() {
            self.refuses_by_return(file);
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
            for caller in callers.get(next).into_iter().flatten() {
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
        for (at, scope) in unit.module.scopes.iter().enumerate().filter(|(_, one)| one.kind == ScopeKind::Function) {
            let is_test = match unit.module.language {
                Language::Go => {
                    let testing = scope.parameters.iter().any(|one| {
                        one.kind.as_deref().is_some_and(|kind| kind.trim_start_matches('*').ends_with("testing.T"))
                    });
                    stem.ends_with("_test") && scope.name.starts_with("Test") && testing
                }
                Language::Python => {
                    (stem.starts_with("test") || stem.ends_with("_test"))
                        && scope.name.starts_with("test")
                        && unit.module.function(scope.parent.unwrap_or_default()).is_none()
                }
                Language::Php => stem.ends_with("Test") && scope.name.starts_with("test"),
                _ => false,
            };
            if is_test && let Some(function) = self.functions.get(&(file, at)) {
                found.push((*function, scope.name.clone()));
            }
        }
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
