//! Handlers of Go that are wrapped in others: `return session.handle(csrf.handle(mux))`, `mux.Handle("/pay", known(pay))`.
//!
//! A router that is wrapped was made before, and its routes were hung on it before. So it is followed forward from where
//! it was made: through variables, what functions give back and what they are given, to where it is served or hung on
//! another router.

use gonogo_domain::evidence::{FunctionId, Guard, Meaning, UseId};
use gonogo_source::{Argument, Call, CallRole, Expr, Language, Module, ScopeId};
use hashbrown::{HashMap, HashSet};

use super::{
    facts::Linker,
    program::{self, FileId, Made},
};

/// Steps of one router, over all that it goes through.
const STEPS: usize = 200;
/// Routers hang on each other no deeper than this.
const DEPTH: usize = 4;
/// Calls of a function that is given a router to hang routes on.
const SITES: usize = 4;

/// A call, by its file and its place in it.
type Site = (FileId, usize);

/// What stands around the routes of each router, and the routes that only lead to another router.
pub(super) struct Wrapped {
    around: HashMap<Site, Vec<Guard>>,
    routers: HashMap<UseId, Vec<Site>>,
    pub(super) mounts: HashSet<Site>,
}

impl Wrapped {
    /// What every request to a route passes before its router: of several routers, what stands around each.
    pub(super) fn before(&self, route: UseId) -> Vec<Guard> {
        let routers = self.routers.get(&route).map(Vec::as_slice).unwrap_or_default();
        common(routers.iter().map(|router| self.around.get(router).cloned().unwrap_or_default()))
    }
}

/// Where a router is held: by what a call gives, or by a parameter.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Holder {
    Given(Site),
    Parameter(FileId, ScopeId, String),
}

/// What is found on the ways of one router.
#[derive(Default)]
struct Ways {
    /// Where it is served or hung up, with what stands around it there.
    ends: Vec<(Site, Vec<Guard>)>,
    /// What it passed where no end was found.
    lost: Vec<Guard>,
}

impl Linker<'_> {
    pub(super) fn wrapped(&self) -> Wrapped {
        let mut wrapped = Wrapped { around: HashMap::new(), routers: HashMap::new(), mounts: HashSet::new() };
        for (id, _) in self.used().filter(|(_, one)| one.meaning == Meaning::Route && one.role.counts()) {
            let Some((file, at)) = self.calls_of.get(&id).copied() else { continue };
            if self.program.files.get(file).is_none_or(|unit| unit.language != Language::Go) {
                continue;
            }
            let routers = self.routers_of(id, file, at);
            for router in &routers {
                if !wrapped.around.contains_key(router) {
                    let guards = self.around_router(*router, DEPTH, &mut wrapped.mounts);
                    wrapped.around.insert(*router, guards);
                }
            }
            wrapped.routers.insert(id, routers);
        }
        wrapped
    }

    /// The routers that a route is hung on: what it is called on, or what is given to the function that hangs it.
    fn routers_of(&self, id: UseId, file: FileId, at: usize) -> Vec<Site> {
        if let Some(router) = self.receivers.get(&id) {
            return vec![*router];
        }
        let Some(context) = self.context(file) else { return Vec::new() };
        let module = context.module;
        let Some(call) = module.calls.get(at) else { return Vec::new() };
        let Some((name, _)) = call.callee.name().and_then(|path| path.rsplit_once('.')) else { return Vec::new() };
        let Some(home) = module.function(call.scope) else { return Vec::new() };
        let nth = module.scopes.get(home).and_then(|home| home.parameters.iter().position(|one| one.name == name));
        let Some((nth, function)) = nth.zip(self.function_at(file, call.scope)) else { return Vec::new() };
        let sites =
            self.sites.get(&function).into_iter().flatten().filter(|site| self.is_of_product(**site)).take(SITES);
        sites
            .filter_map(|(file, at)| {
                let context = self.context(*file)?;
                let call = context.module.calls.get(*at)?;
                let maker = context.names.maker(&call.arguments.get(nth)?.value, call.scope)?;
                let made = program::follow(self.program, self.names, Made { file: *file, maker })?;
                match made.maker {
                    gonogo_source::Maker::Call(at) => Some((made.file, at)),
                    _ => None,
                }
            })
            .collect()
    }

    /// A call of the product, in a file of this program.
    fn is_of_product(&self, (file, _): Site) -> bool {
        self.has(file) && self.program.files.get(file).is_some_and(|unit| unit.role.counts())
    }

    fn around_router(&self, router: Site, depth: usize, mounts: &mut HashSet<Site>) -> Vec<Guard> {
        let Some(depth) = depth.checked_sub(1) else { return Vec::new() };
        let mut ways = Ways::default();
        let mut seen: HashSet<Holder> = HashSet::new();
        let mut open: Vec<(Holder, Vec<Guard>)> = vec![(Holder::Given(router), Vec::new())];
        while let Some((holder, guards)) = open.pop() {
            if seen.len() < STEPS && seen.insert(holder.clone()) {
                self.step(&holder, &guards, depth, mounts, &mut ways, &mut open);
            }
        }
        let mut places: Vec<Site> = ways.ends.iter().map(|(site, _)| *site).collect();
        places.sort_unstable();
        places.dedup();
        if places.is_empty() {
            return ways.lost;
        }
        // A router that is served twice is as open as the place that asks for less.
        common(places.into_iter().map(|place| {
            let here = ways.ends.iter().filter(|(site, _)| *site == place);
            here.flat_map(|(_, guards)| guards.clone()).collect()
        }))
    }

    /// Where the router goes on from one holder.
    fn step(
        &self,
        holder: &Holder,
        guards: &[Guard],
        depth: usize,
        mounts: &mut HashSet<Site>,
        ways: &mut Ways,
        open: &mut Vec<(Holder, Vec<Guard>)>,
    ) {
        let file = match holder {
            Holder::Given((file, _)) | Holder::Parameter(file, ..) => *file,
        };
        let Some(context) = self.context(file) else { return };
        let module = context.module;
        let held = Held::of(module, holder);
        let mut goes_on = false;
        for (at, call) in module.calls.iter().enumerate() {
            let Some(nth) = call.arguments.iter().position(|one| held.is(&one.value, call.scope, call.spot.start))
            else {
                continue;
            };
            let meaning = self.uses.get(&(file, at)).and_then(|id| Some((*id, self.code.uses.get(*id)?.meaning)));
            match meaning {
                Some((_, Meaning::Listen)) => {
                    goes_on = true;
                    ways.ends.push(((file, at), guards.to_vec()));
                }
                Some((id, Meaning::Route | Meaning::RouteGroup)) => {
                    goes_on = true;
                    mounts.insert((file, at));
                    let outer = self.routers_of(id, file, at);
                    let mut around = common(outer.into_iter().map(|router| self.around_router(router, depth, mounts)));
                    around.extend(guards.iter().cloned());
                    ways.ends.push(((file, at), around));
                }
                Some((_, Meaning::Middleware)) => (),
                _ => match self.wrapper(file, at, call) {
                    Some(mut inner) => {
                        goes_on = true;
                        inner.extend(guards.iter().cloned());
                        open.push((Holder::Given((file, at)), inner));
                    }
                    None => open.extend(self.given_parameter((file, at), nth).map(|held| (held, guards.to_vec()))),
                },
            }
        }
        for (at, value, scope, start) in objects(module) {
            let serves = value.field("Handler").is_some_and(|field| held.is(field, scope, start));
            if serves {
                goes_on = true;
                ways.ends.push(((file, module.calls.len() + at), guards.to_vec()));
            }
        }
        // `server.Handler = mux`
        let fields = module.bindings.iter().enumerate().filter(|(_, one)| one.name.ends_with(".Handler"));
        for (at, one) in fields {
            if one.value.as_ref().is_some_and(|value| held.is(value, one.scope, one.spot.start)) {
                goes_on = true;
                ways.ends.push(((file, usize::MAX - at), guards.to_vec()));
            }
        }
        for returned in &module.returns {
            if held.is(&returned.value, returned.scope, returned.spot.start)
                && let Some(function) = self.function_at(file, returned.scope)
            {
                let sites = self.sites.get(&function).into_iter().flatten();
                open.extend(
                    sites.filter(|site| self.is_of_product(**site)).map(|site| (Holder::Given(*site), guards.to_vec())),
                );
                goes_on = true;
            }
        }
        if !goes_on {
            ways.lost.extend(guards.iter().cloned());
        }
    }

    /// The parameter that an argument of a call becomes.
    fn given_parameter(&self, site: Site, nth: usize) -> Option<Holder> {
        let callee = self.callees.get(&site)?;
        let (file, scope) = self.scopes.get(*callee).copied().filter(|(file, _)| self.has(*file))?;
        let context = self.context(file)?;
        let parameter = context.module.scopes.get(scope)?.parameters.get(nth)?;
        Some(Holder::Parameter(file, scope, parameter.name.clone()))
    }

    /// The function that a handler is given to, with what it was made with: `known(mux)`, `known(keys)(mux)`,
    /// `chain(known, logged).Then(mux)`. None where it gives no handler back.
    fn wrapper(&self, file: FileId, at: usize, call: &Call) -> Option<Vec<Guard>> {
        if call.role == CallRole::Spawn || call.dropped {
            return None;
        }
        let context = self.context(file)?;
        let symbol = context.names.symbols(&call.callee, call.scope).into_iter().next();
        let mut function = self.callees.get(&(file, at)).copied();
        let mut name = symbol.unwrap_or_default();
        let mut guards = Vec::new();
        let mut inner = &call.callee;
        for _ in 0..DEPTH {
            let before = match inner {
                Expr::Call(before) => *before,
                Expr::Member(of, _) => match **of {
                    Expr::Call(before) => before,
                    _ => break,
                },
                // `wrap := known(keys)`, then `wrap(mux)`.
                Expr::Name(variable) if function.is_none() => {
                    match context.names.value(variable, call.scope).map(|(value, _)| value) {
                        Some(Expr::Call(before)) => *before,
                        _ => break,
                    }
                }
                _ => break,
            };
            let Some(made) = context.module.calls.get(before) else { break };
            if function.is_none()
                && let Some(maker) = self.callees.get(&(file, before))
            {
                function = Some(*maker);
                name = context.names.symbols(&made.callee, made.scope).into_iter().next().unwrap_or_default();
            }
            guards.extend(made.arguments.iter().flat_map(|one| self.guard(file, &one.value, made.scope)));
            inner = &made.callee;
        }
        guards.retain(|guard| guard.function.is_some());
        let function = match function {
            Some(function) => Some(self.serving(function)?),
            None => None,
        };
        guards.insert(0, Guard { name, function, used: self.uses.get(&(file, at)).copied() });
        Some(guards)
    }

    /// What runs for each request where a function gives a handler back: itself, or the method of what it makes. None where
    /// it gives an error or something else.
    fn serving(&self, function: FunctionId) -> Option<FunctionId> {
        let (file, scope) = self.scopes.get(function).copied().filter(|(file, _)| self.has(*file))?;
        let context = self.context(file)?;
        if context.module.scopes.get(scope)?.fails {
            return None;
        }
        let given = context.module.returns.iter().filter(|one| context.module.function(one.scope) == Some(scope));
        let mut kind = None;
        for one in given {
            one.value.walk(&mut |value| {
                if let Expr::Object { kind: Some(name), .. } = value {
                    kind = Some(name);
                }
            });
        }
        kind.map_or(Some(function), |kind| self.function_named(file, &format!(".{kind}.ServeHTTP")))
    }

    /// What the handler of one route is wrapped in: `known(pay)`, `known(logged(pay))`.
    pub(super) fn around_handler(&self, file: FileId, value: &Expr, scope: ScopeId) -> Vec<Guard> {
        let mut guards = Vec::new();
        // `pay := known(paying); mux.Handle("/pay", pay)`
        let bound = value.name().and_then(|name| self.names.get(file)?.value(name, scope));
        let mut next = bound.map_or(value, |(value, _)| value);
        for _ in 0..DEPTH {
            let Expr::Call(at) = next else { break };
            let Some(unit) = self.program.files.get(file).filter(|unit| unit.language == Language::Go) else { break };
            let Some(call) = unit.module.calls.get(*at) else { break };
            let Some(given) = call.arguments.iter().map(|one| &one.value).find(|one| self.handles(file, one, call))
            else {
                break;
            };
            let Some(wrapper) = self.wrapper(file, *at, call) else { break };
            guards.extend(wrapper);
            next = given;
        }
        guards
    }

    /// A function, or what is wrapped around one.
    fn handles(&self, file: FileId, value: &Expr, call: &Call) -> bool {
        match value {
            Expr::Function(_) | Expr::Call(_) => true,
            Expr::Name(_) => {
                let symbol = self.names.get(file).and_then(|names| names.symbols(value, call.scope).into_iter().next());
                symbol.is_some_and(|symbol| self.function_named(file, &symbol).is_some())
            }
            _ => false,
        }
    }
}

/// The names that a router goes by in a file.
struct Held<'m> {
    module: &'m Module,
    call: Option<usize>,
    parameter: Option<(ScopeId, &'m str)>,
    home: Option<ScopeId>,
}

impl<'m> Held<'m> {
    fn of(module: &'m Module, holder: &Holder) -> Self {
        match holder {
            Holder::Given((_, at)) => {
                let home = module.calls.get(*at).and_then(|call| module.function(call.scope));
                Self { module, call: Some(*at), parameter: None, home }
            }
            Holder::Parameter(_, scope, name) => {
                let parameters = module.scopes.get(*scope).map(|scope| scope.parameters.as_slice()).unwrap_or_default();
                let parameter = parameters.iter().find(|one| one.name == *name).map(|one| (*scope, one.name.as_str()));
                Self { module, call: None, parameter, home: Some(*scope) }
            }
        }
    }

    /// Whether an expression that stands at a place is the router.
    fn is(&self, value: &Expr, scope: ScopeId, at: u32) -> bool {
        self.stands_for(value, scope, at, DEPTH)
    }

    fn stands_for(&self, value: &Expr, scope: ScopeId, at: u32, depth: usize) -> bool {
        let Some(depth) = depth.checked_sub(1) else { return false };
        match value {
            Expr::Call(call) => self.call == Some(*call),
            Expr::Operation(operator, items) if operator == "&" => {
                items.iter().any(|item| self.stands_for(item, scope, at, depth))
            }
            Expr::Name(name) => self.named(name.strip_suffix(".ServeHTTP").unwrap_or(name), scope, at, depth),
            _ => false,
        }
    }

    /// What was last bound to the name, and what branches before bound to it.
    fn named(&self, name: &str, scope: ScopeId, at: u32, depth: usize) -> bool {
        let near = |other: ScopeId| self.home.is_some_and(|home| self.module.within(other, home));
        // A field is set in one method and used in another.
        if !name.contains('.') && !near(scope) {
            return false;
        }
        let before = |start: u32, value: Option<&Expr>| {
            let around = match value {
                Some(Expr::Call(call)) => {
                    self.module.calls.get(*call).is_some_and(|call| call.spot.start <= at && at < call.spot.end)
                }
                _ => false,
            };
            start < at && !around
        };
        let mut bound: Vec<_> = self.module.bindings.iter().filter(|one| one.name == name && one.nth == 0).collect();
        if !name.contains('.') {
            bound.retain(|one| near(one.scope) && before(one.spot.start, one.value.as_ref()));
        }
        bound.sort_by_key(|one| std::cmp::Reverse(one.spot.start));
        for one in bound {
            let is = one.value.as_ref().is_some_and(|value| self.stands_for(value, one.scope, one.spot.start, depth));
            if is {
                return true;
            }
            if !name.contains('.') && one.value.is_some() && self.module.within(scope, one.scope) {
                return false;
            }
        }
        self.parameter.is_some_and(|(of, parameter)| parameter == name && self.module.within(scope, of))
    }
}

/// The literals of a file that may be servers, with their scope and where they stand.
fn objects(module: &Module) -> Vec<(usize, &Expr, ScopeId, u32)> {
    let bound = module.bindings.iter().filter_map(|one| Some((one.value.as_ref()?, one.scope, one.spot.end)));
    let returned = module.returns.iter().map(|one| (&one.value, one.scope, one.spot.end));
    let given = |call: &'_ Call| (call.scope, call.spot.end);
    let arguments = module.calls.iter().flat_map(move |call| {
        let (scope, end) = given(call);
        call.arguments.iter().map(move |one: &Argument| (&one.value, scope, end))
    });
    let mut found = Vec::new();
    for (value, scope, end) in bound.chain(returned).chain(arguments) {
        value.walk(&mut |inner| {
            if matches!(inner, Expr::Object { kind: Some(_), .. }) {
                found.push((found.len(), inner, scope, end));
            }
        });
    }
    found
}

/// What is in each of several lists.
fn common(mut lists: impl Iterator<Item = Vec<Guard>>) -> Vec<Guard> {
    let mut first = lists.next().unwrap_or_default();
    for list in lists {
        first.retain(|guard| list.contains(guard));
    }
    first
}
