//! What a call is made on: the library itself, an object that was made somewhere, a stub over a connection; and what runs
//! by itself from here on.

use gonogo_domain::{
    evidence::{Fate, FunctionId, Meaning, Use},
    known_symbols,
};
use gonogo_source::{Call, Expr, Maker, ScopeKind};

use super::{
    facts::Linker,
    program::FileId,
    settings::{MadeIn, Receiver},
    values::Context,
};

impl<'p> Linker<'p> {
    /// What a call is made on, as far as its settings go.
    pub(super) fn receiver(
        &self,
        context: Context<'p>,
        file: FileId,
        call: &Call,
        made: Option<(FileId, MadeIn<'p>)>,
    ) -> Receiver<'p> {
        if let Some((owner, made)) = made {
            // What a function of the program gives, and was not followed into it, is not known.
            if let Maker::Call(at) = made.maker
                && let Some(maker) = made.context.module.calls.get(at)
                && let Some(symbol) = made.context.names.symbols(&maker.callee, maker.scope).first()
                && self.function_named(owner, symbol).is_some()
            {
                return Receiver::Unknown;
            }
            return Receiver::Made(made);
        }
        let Expr::Name(path) = &call.callee else { return Receiver::Unknown };
        let Some((object, _)) = path.rsplit_once('.') else { return Receiver::Library };
        let head = object.split('.').next().unwrap_or_default();
        let bound = context
            .module
            .around(call.scope)
            .any(|(_, scope)| scope.parameters.iter().any(|parameter| parameter.name == head))
            || context.names.bindings(head).next().is_some();
        // The library itself, or an object that it brings along: `axios.get`, `http.DefaultClient.Do`.
        let imported = context.module.imports.iter().find(|import| import.local == head);
        match imported {
            Some(import) if self.program.target(file, import).is_none() => Receiver::Library,
            None if !bound && !matches!(head, "this" | "self") => Receiver::Library,
            _ => Receiver::Unknown,
        }
    }

    /// The symbol of a call on something that was made over a connection: `pb.NewCartClient(connection)`.
    pub(super) fn stub(context: Context<'p>, call: &'p Call) -> Option<String> {
        let made = match &call.callee {
            Expr::Name(path) => context.names.maker_of(path.rsplit_once('.')?.0, call.scope)?,
            Expr::Member(of, _) => context.names.maker(of, call.scope)?,
            _ => return None,
        };
        let Maker::Call(at) = made else { return None };
        let maker = context.module.calls.get(at)?;
        let table = known_symbols(context.module.language.word());
        let method = match &call.callee {
            Expr::Name(path) => path.rsplit('.').next()?,
            Expr::Member(_, method) => method.as_str(),
            _ => return None,
        };
        let over = maker.arguments.iter().take(2).find_map(|argument| {
            let symbols = context.names.symbols(&argument.value, maker.scope);
            symbols.iter().find_map(|symbol| table.stub_over(symbol))
        })?;
        Some(format!("{over}.{method}"))
    }

    /// `go work()`: it runs by itself from here on.
    pub(super) fn spawn(
        &self,
        file: FileId,
        call: &Call,
        function: FunctionId,
        callee: Option<FunctionId>,
        given: &[FunctionId],
    ) -> Option<Use> {
        let unit = self.program.files.get(file)?;
        let around = |kind: ScopeKind| {
            let mut inner = unit.module.around(call.scope).take_while(|(_, scope)| scope.kind != ScopeKind::Function);
            inner.any(|(_, scope)| scope.kind == kind)
        };
        let lambda = match &call.callee {
            Expr::Function(at) => self.functions.get(&(file, *at)).copied(),
            _ => None,
        };
        Some(Use {
            wraps: callee.into_iter().chain(lambda).chain(given.iter().copied()).collect(),
            in_loop: self.loops(file, call),
            in_branch: around(ScopeKind::Branch),
            in_catch: around(ScopeKind::Catch),
            fate: Fate::Dropped,
            ..self.bare(file, function, call.spot.line, "go", Meaning::Spawn)
        })
    }

    /// A loop stands around it that is not over what the program was made with: a list that is written here, a field of
    /// its own, a variable of its package.
    fn loops(&self, file: FileId, call: &Call) -> bool {
        let Some(module) = self.program.files.get(file).map(|unit| &unit.module) else { return false };
        let home = module.function(call.scope);
        let fixed = |condition: &Expr| {
            let Expr::Operation(operator, items) = condition else { return false };
            let path = match items.first().filter(|_| operator == "range") {
                Some(Expr::List(_)) => return true,
                Some(Expr::Name(path)) => path,
                _ => return false,
            };
            let head = path.split('.').next().unwrap_or(path);
            let bound = || module.bindings.iter().filter(|one| one.name == head);
            // The receiver of the method around.
            let receiver = bound().any(|one| {
                let of = module.scopes.get(one.scope);
                one.kind.is_some()
                    && of.is_some_and(|of| of.types.first() == one.kind.as_ref())
                    && home.is_some_and(|home| module.within(home, one.scope))
            });
            path != head && receiver || bound().next().is_some() && bound().all(|one| one.scope == 0)
        };
        let inner = module.around(call.scope).take_while(|(_, scope)| scope.kind != ScopeKind::Function);
        inner
            .filter(|(_, scope)| scope.kind == ScopeKind::Loop)
            .any(|(_, scope)| !scope.condition.as_ref().is_some_and(fixed))
    }
}
