//! Where the program answers: routes with the prefixes and the guards of what they hang on.

use gonogo_domain::{
    evidence::{FunctionId, Guard, Meaning, ServedRoute, Use, UseId},
    known_symbols,
};
use gonogo_source::{Call, CallRole, Expr, Maker, ScopeId, ScopeKind};
use hashbrown::HashMap;

use super::{
    chains::is_chained,
    facts::Linker,
    included,
    program::{self, FileId, Made},
};

/// Annotations and middleware nest no deeper than this.
const GROUPS: usize = 8;
/// Routes of one chain of calls, and what stands between them.
const CHAIN: usize = 256;

const METHODS: &[&str] = &["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"];

impl<'p> Linker<'p> {
    pub(super) fn routes(&mut self) {
        self.routes_of_classes();
        let mounts = self.mounts();
        let enclosing = self.enclosing();
        let filters = self.filters();
        let wrapped = self.wrapped();
        let inclusions = self.inclusions();
        let short_names = self.short_names();
        let mut routes = Vec::new();
        let mut called = Vec::new();
        for (id, one) in self.used().filter(|(_, one)| one.meaning == Meaning::Route) {
            let Some((file, at)) = self.calls_of.get(&id).copied() else { continue };
            let Some(call) = self.program.files.get(file).and_then(|unit| unit.module.calls.get(at)) else { continue };
            // A route that leads to another router is none itself.
            if self.for_developers(file, call.scope) || wrapped.mounts.contains(&(file, at)) {
                continue;
            }
            let own = one.settings.get("path").and_then(|setting| setting.value.text());
            let piece =
                own.is_none().then(|| call.arguments.iter().take(2).find_map(|one| self.path_piece(file, &one.value)));
            // `router.get(base + "/", handler)`: something stands there that was not followed.
            let followed = (call.role == CallRole::Annotation || call.arguments.len() < 2)
                && one.settings.get("path").is_none_or(|setting| setting.value.text().is_some());
            let own = own.map(|path| path.rsplit("{}").next().unwrap_or(path)).or_else(|| piece.flatten());
            let written = if one.wraps.is_empty() { self.rails_route(file, call) } else { None };
            let own = written.as_ref().map(|written| written.path.as_str()).or(own);
            // `app.get("env")` of Express reads a setting: a route has somebody to answer it.
            if written.as_ref().is_some_and(|written| written.redirects) {
                continue;
            }
            if written.is_none()
                && one.wraps.is_empty()
                && call.arguments.len() < 2
                && call.role != CallRole::Annotation
            {
                continue;
            }
            let last = call.arguments.last().map(|one| &one.value);
            if last.is_some_and(|last| self.says_nothing_is_there(file, last, call.scope) || self.groups(file, last)) {
                continue;
            }
            let (mut prefix, mut guards) = self.around_route(id, &mounts, GROUPS);
            if is_chained(one) {
                let (along, before) = self.along_chain((file, at));
                if !along.is_empty() {
                    prefix = along;
                }
                guards = before;
            }
            let (outer, around) = self.enclosed(one.function, &mounts, &enclosing);
            prefix = joined(&outer, &prefix);
            let mut ways = self.included((file, at), &inclusions);
            prefix = joined(&ways.pop().unwrap_or_default(), &prefix);
            guards.splice(0..0, around);
            guards.splice(0..0, wrapped.before(id));
            let handler = match call.role {
                CallRole::Annotation => one.wraps.first().copied(),
                // `mux.Handle("/pay", payments.Handler(store))`: what makes the handler holds it.
                _ => one.wraps.last().copied().or_else(|| match last? {
                    Expr::Call(at) => self.callees.get(&(file, *at)).copied(),
                    _ => None,
                }),
            };
            if one.defaults.get("expands").is_some_and(|kind| kind == "resources") {
                routes.extend(self.resources(one, self.around_resources(file, call), &filters, &guards));
                continue;
            }
            let client = self.used().map(|(_, other)| other).find(|other| {
                call.role == CallRole::Annotation
                    && other.defaults.get("interface").is_some_and(|kind| kind == "http")
                    && handler.is_some_and(|handler| other.wraps.contains(&handler))
            });
            // An interface whose methods are requests to another service.
            if let Some(client) = client {
                called.push((id, client.defaults.get("timeout").cloned(), method_of_symbol(&one.symbol)));
                continue;
            }
            let handler = handler
                .or_else(|| written.as_ref().and_then(|written| written.handler))
                .or_else(|| self.action(call, one));
            // `delete :memory, action: :forget` is answered by the controller of the resources around it.
            if handler.is_none() && call.arguments.iter().any(|one| one.name.as_deref() == Some("action")) {
                continue;
            }
            guards.extend(self.filters_of(handler, &filters));
            guards.extend(said(one));
            guards = included::spelled_out(guards, &short_names);
            if call.role == CallRole::Annotation {
                // `@app.get("/orders", dependencies=[Depends(user)])`
                for argument in call.arguments.iter().filter(|one| one.name.as_deref() == Some("dependencies")) {
                    guards.extend(self.guard(file, &argument.value, call.scope));
                }
                guards.extend(self.annotations(file, call.scope, Some(at)));
                guards.extend(self.depends_on(handler));
                guards.extend(self.typed_body(one, handler));
                prefix.push_str(&self.class_prefix(handler));
            } else {
                let middle = call.arguments.len().saturating_sub(1);
                for argument in call.arguments.iter().take(middle).skip(1) {
                    guards.extend(self.guard(file, &argument.value, call.scope));
                }
                guards = self.around_view(file, call, handler, guards);
                guards.extend(last.into_iter().flat_map(|last| self.around_handler(file, last, call.scope)));
            }
            // `GET /healthz` is how net/http writes both.
            let (before, own) = own.map_or((None, None), |own| match own.split_once(' ') {
                Some((method, path)) if method.bytes().all(|byte| byte.is_ascii_uppercase()) && !method.is_empty() => {
                    (Some(method.to_owned()), Some(path.trim_start()))
                }
                _ => (None, Some(own)),
            });
            let set = one.settings.get("method").map(|setting| setting.value.texts()).unwrap_or_default();
            let set = set.into_iter().map(|name| {
                name.rsplit('.').next().unwrap_or_default().trim_start_matches("Method").to_ascii_uppercase()
            });
            // `via: :all` of Rails.
            let mut set = set.filter(|name| name != "ALL");
            let method = before.or_else(|| set.next()).or_else(|| one.defaults.get("method").cloned()).or_else(|| {
                let last = one.symbol.rsplit('.').next().unwrap_or_default().to_ascii_uppercase();
                let last = if last == "DEL" { "DELETE".to_owned() } else { last };
                let last = last.trim_end_matches("MAPPING").trim_start_matches("MAP").to_owned();
                METHODS.contains(&last.as_str()).then_some(last)
            });
            // `route("/links", post(add))`
            let method = method.or_else(|| {
                let given = call.arguments.iter().skip(1).find_map(|argument| self.method_named(file, &argument.value));
                given.filter(|_| call.role != CallRole::Annotation)
            });
            let route = ServedRoute {
                method: method.map(|method| method.to_ascii_uppercase()),
                path: joined(&prefix, own.unwrap_or(if followed { "" } else { ServedRoute::UNFOLLOWED })),
                handler,
                guards,
                place: one.place.clone(),
                role: one.role,
            };
            let of_class = self.views_of_class(file, call, &route);
            let others: Vec<ServedRoute> = if of_class.is_empty() {
                let others = set.map(|method| ServedRoute { method: Some(method), ..route.clone() });
                std::iter::once(route.clone()).chain(others).collect()
            } else {
                of_class
            };
            let elsewhere = |way: &String| {
                let own = own.unwrap_or_default();
                let again = others.iter().map(|route| ServedRoute { path: joined(way, own), ..route.clone() });
                again.collect::<Vec<_>>()
            };
            routes.extend(ways.iter().flat_map(elsewhere).collect::<Vec<_>>());
            routes.extend(others);
        }
        self.code.routes = routes;
        for (id, timeout, method) in called {
            let Some(one) = self.code.uses.get_mut(id) else { continue };
            one.meaning = Meaning::HttpCall;
            one.settings.clear();
            one.defaults.extend(timeout.map(|timeout| ("timeout".to_owned(), timeout)));
            one.defaults.extend(method.map(|method| ("method".to_owned(), method)));
        }
    }

    /// `#[Route('/api')]` of Symfony on a class is the beginning of what its methods answer at.
    fn routes_of_classes(&mut self) {
        let on_class = |id: &UseId| {
            let (file, at) = self.calls_of.get(id).copied()?;
            let module = &self.program.files.get(file)?.module;
            Some(module.scopes.get(module.calls.get(at)?.scope)?.kind == ScopeKind::Class)
        };
        let routes = self.code.uses.iter().enumerate().filter(|(_, one)| one.defaults.contains_key("of_class"));
        let groups: Vec<UseId> = routes.map(|(id, _)| id).filter(|id| on_class(id) == Some(true)).collect();
        for id in groups {
            if let Some(one) = self.code.uses.get_mut(id) {
                one.meaning = Meaning::RouteGroup;
            }
        }
    }

    /// The method of a class that a route names by words: `to: "health#ready"`, `[HealthController::class, 'ready']`.
    fn action(&self, call: &Call, one: &Use) -> Option<FunctionId> {
        if let Some(text) = one.settings.get("action").and_then(|setting| setting.value.text()) {
            let (controller, method) = text.split_once('#')?;
            return self.method_of(&format!("{}Controller", camel(controller)), method);
        }
        call.arguments.iter().find_map(|argument| match &argument.value {
            Expr::List(items) => match items.as_slice() {
                [Expr::Name(class), method] => {
                    let class = class.strip_suffix(".class").unwrap_or(class);
                    self.method_of(class.rsplit('.').next()?, method.text()?)
                }
                _ => None,
            },
            _ => None,
        })
    }

    pub(super) fn method_of(&self, class: &str, method: &str) -> Option<FunctionId> {
        let name = format!("{class}.{method}");
        let mut all = self.code.functions.iter().zip(&self.scopes);
        all.position(|(function, (file, _))| function.role.counts() && function.name == name && self.has(*file))
    }

    /// The routes of `resources :members, only: [:index]` that its controller has methods for.
    fn resources(
        &self,
        one: &Use,
        (before, modules): (String, String),
        filters: &[Filter],
        around: &[Guard],
    ) -> Vec<ServedRoute> {
        let Some(name) = one.settings.get("path").and_then(|setting| setting.value.text()) else { return Vec::new() };
        let listed = |key: &str| one.settings.get(key).map(|setting| setting.value.texts());
        let (only, except) = (listed("only"), listed("except").unwrap_or_default());
        RESOURCES
            .iter()
            .filter(|(action, ..)| only.as_ref().is_none_or(|only| only.contains(action)) && !except.contains(action))
            .filter_map(|(action, method, end)| {
                let handler = self.of_controller(&modules, name, action)?;
                let mut guards = around.to_vec();
                guards.extend(self.filters_of(Some(handler), filters));
                Some(ServedRoute {
                    method: Some((*method).to_owned()),
                    path: joined(&joined(&before, name), end),
                    handler: Some(handler),
                    guards,
                    place: self.code.functions.get(handler)?.place.clone(),
                    role: one.role,
                })
            })
            .collect()
    }

    /// What runs before the methods of a class: `before_action :authenticate, only: [:create]`.
    fn filters(&self) -> Vec<Filter> {
        self.used()
            .filter(|(_, one)| one.defaults.get("around").is_some_and(|around| around == "class"))
            .filter_map(|(id, one)| {
                let (file, at) = self.calls_of.get(&id).copied()?;
                let module = &self.program.files.get(file)?.module;
                let call = module.calls.get(at)?;
                let texts = |key: &str| -> Vec<String> {
                    let set = one.settings.get(key).map(|setting| setting.value.texts()).unwrap_or_default();
                    set.into_iter().map(str::to_owned).collect()
                };
                Some(Filter {
                    skips: one.defaults.contains_key("skips"),
                    blocks: one.wraps.clone(),
                    class: module.scopes.get(module.class(call.scope)?)?.name.clone(),
                    names: texts("names"),
                    only: texts("only"),
                    except: texts("except"),
                })
            })
            .collect()
    }

    /// The filters of the class of a handler, and of the classes that it extends.
    fn filters_of(&self, handler: Option<FunctionId>, filters: &[Filter]) -> Vec<Guard> {
        let Some((file, scope)) = handler.and_then(|handler| self.scopes.get(handler)).copied() else {
            return Vec::new();
        };
        if filters.is_empty() {
            return Vec::new();
        }
        let module = &self.program.files.get(file).map(|unit| &unit.module);
        let Some(module) = module else { return Vec::new() };
        let method = module.scopes.get(scope).map(|scope| scope.name.clone()).unwrap_or_default();
        let mut class = module.class(scope).and_then(|class| module.scopes.get(class));
        let mut chain: Vec<String> = Vec::new();
        while let Some(scope) = class.filter(|scope| chain.len() < GROUPS && !chain.contains(&scope.name)) {
            chain.push(scope.name.clone());
            let base = scope.types.first();
            let here = self.program.files.iter().enumerate().filter(|(file, _)| self.has(*file));
            let mut all = here.flat_map(|(_, unit)| &unit.module.scopes);
            class = all.find(|scope| scope.kind == ScopeKind::Class && Some(&scope.name) == base);
        }
        let holds = |filter: &&Filter| {
            chain.contains(&filter.class)
                && (filter.only.is_empty() || filter.only.contains(&method))
                && !filter.except.contains(&method)
        };
        let skipped: Vec<&String> =
            filters.iter().filter(holds).filter(|filter| filter.skips).flat_map(|filter| &filter.names).collect();
        let mut guards = Vec::new();
        for filter in filters.iter().filter(holds).filter(|filter| !filter.skips) {
            let named = filter.names.iter().filter(|name| !skipped.contains(name));
            guards.extend(named.map(|name| Guard {
                name: name.clone(),
                function: chain.iter().find_map(|class| self.method_of(class, name)).or_else(|| self.of_concern(name)),
                used: None,
            }));
            // `before_action { require_user }`
            let blocks = filter.blocks.iter().filter(|_| filter.names.is_empty());
            guards.extend(blocks.map(|block| Guard { name: String::new(), function: Some(*block), used: None }));
        }
        guards
    }

    /// The method that a call is named after, through what it is called on: `get(find)`, `web::get().to(find)`.
    fn method_named(&self, file: FileId, value: &Expr) -> Option<String> {
        let &Expr::Call(mut at) = value else { return None };
        for _ in 0..GROUPS {
            let call = self.program.files.get(file)?.module.calls.get(at)?;
            let (name, inner) = match &call.callee {
                Expr::Name(path) => (path.rsplit('.').next().unwrap_or_default(), None),
                Expr::Member(of, name) => (name.as_str(), Some(&**of)),
                _ => return None,
            };
            let name = name.to_ascii_uppercase();
            if METHODS.contains(&name.as_str()) {
                return Some(name);
            }
            at = match inner {
                Some(Expr::Call(inner)) => *inner,
                _ => return None,
            };
        }
        None
    }

    /// It stands in a branch that production does not take: `if (app.Environment.IsDevelopment())`.
    fn for_developers(&self, file: FileId, scope: ScopeId) -> bool {
        let Some(unit) = self.program.files.get(file) else { return false };
        let module = &unit.module;
        module.around(scope).any(|(_, scope)| match &scope.condition {
            Some(Expr::Call(at)) => module
                .calls
                .get(*at)
                .and_then(|call| super::facts::method(&call.callee))
                .is_some_and(|name| name == "IsDevelopment"),
            _ => false,
        })
    }

    /// `http.NotFoundHandler()` answers where nobody else does: it is no route of the program.
    fn says_nothing_is_there(&self, file: FileId, handler: &Expr, scope: ScopeId) -> bool {
        let Some(context) = self.context(file) else { return false };
        let named = match handler {
            Expr::Call(at) => context.module.calls.get(*at).map(|call| (&call.callee, call.scope)),
            Expr::Name(_) => Some((handler, scope)),
            _ => None,
        };
        let table = known_symbols(context.module.language.word());
        named.is_some_and(|(name, scope)| {
            context
                .names
                .symbols(name, scope)
                .first()
                .is_some_and(|symbol| table.rows(symbol).iter().any(|(_, row)| row.means == Meaning::NotFoundAnswer))
        })
    }

    /// The part of a path that is written where the rest is put together: `prefixed("/healthz")`, `base + "/healthz"`.
    fn path_piece(&self, file: FileId, value: &'p Expr) -> Option<&'p str> {
        let piece =
            |text: &'p str| Some(text).filter(|text| text.len() > 1 && text.starts_with('/') && !text.contains(' '));
        match value {
            Expr::Text(text) => piece(text.rsplit("{}").next()?),
            Expr::Operation(operator, items) if operator == "+" => {
                items.iter().rev().find_map(|item| piece(item.text()?))
            }
            Expr::Call(at) => {
                let call = self.program.files.get(file)?.module.calls.get(*at)?;
                call.arguments.iter().rev().find_map(|argument| piece(argument.value.text()?))
            }
            _ => None,
        }
    }

    /// The groups that are given a function in which their routes are made: `r.Route("/v1", func(r chi.Router) { … })`.
    fn enclosing(&self) -> HashMap<FunctionId, UseId> {
        let mut enclosing = HashMap::new();
        for (id, one) in self.used().filter(|(_, one)| one.meaning == Meaning::RouteGroup) {
            let Some((file, at)) = self.calls_of.get(&id).copied() else { continue };
            let call = self.program.files.get(file).and_then(|unit| unit.module.calls.get(at));
            if call.is_some_and(|call| call.role != CallRole::Annotation) {
                for function in &one.wraps {
                    enclosing.entry(*function).or_insert(id);
                }
            }
        }
        for (file, id) in self.requiring() {
            if let Some(top) = self.functions.get(&(file, 0)) {
                enclosing.entry(*top).or_insert(id);
            }
        }
        enclosing
    }

    /// The prefix and the guards of the groups that a function's routes stand in.
    fn enclosed(
        &self,
        function: FunctionId,
        mounts: &HashMap<(FileId, usize), UseId>,
        enclosing: &HashMap<FunctionId, UseId>,
    ) -> (String, Vec<Guard>) {
        let mut prefix = String::new();
        let mut guards = Vec::new();
        let mut inner = function;
        for _ in 0..GROUPS {
            let Some((id, group)) = enclosing.get(&inner).and_then(|id| Some((*id, self.code.uses.get(*id)?))) else {
                break;
            };
            let path = group.settings.get("path").and_then(|setting| setting.value.text()).unwrap_or_default();
            let (before, around) = self.around_route(id, mounts, GROUPS);
            prefix = joined(&joined(&before, path), &prefix);
            let beside = self.used().filter(|(_, one)| {
                one.meaning == Meaning::Middleware && one.function == inner && !one.settings.contains_key("path")
            });
            let beside: Vec<Guard> = beside.flat_map(|(at, _)| self.guards_of(at, mounts)).collect();
            guards.splice(0..0, around.into_iter().chain(beside).chain(said(group)));
            if group.function == inner {
                break;
            }
            inner = group.function;
        }
        (prefix, guards)
    }

    /// `path("shop/", include("shop.urls"))` answers nobody by itself.
    fn groups(&self, file: FileId, handler: &Expr) -> bool {
        let Expr::Call(at) = handler else { return false };
        let made = self.uses.get(&(file, *at)).and_then(|id| self.code.uses.get(*id));
        made.is_some_and(|one| one.meaning == Meaning::RouteGroup)
    }

    /// Who mounts what: the call that made a group, and the use that hangs it somewhere.
    fn mounts(&self) -> HashMap<(FileId, usize), UseId> {
        let mut mounts = HashMap::new();
        // `r.Use(auth())` hangs up what runs before routes: nothing has any of its own.
        let own =
            |made: &(FileId, usize)| self.callees.contains_key(made) && !self.receivers.values().any(|of| of == made);
        let groups = self.used().filter(|(_, one)| matches!(one.meaning, Meaning::Middleware | Meaning::RouteGroup));
        for (id, _) in groups {
            let Some((file, at)) = self.calls_of.get(&id).copied() else { continue };
            let Some(context) = self.context(file) else { continue };
            let Some(call) = context.module.calls.get(at) else { continue };
            for argument in &call.arguments {
                let Some(maker) = context.names.maker(&argument.value, call.scope) else { continue };
                let Some(made) = program::follow(self.program, self.names, Made { file, maker }) else { continue };
                if let Maker::Call(maker) = made.maker
                    && !own(&(made.file, maker))
                {
                    mounts.entry((made.file, maker)).or_insert(id);
                }
            }
        }
        mounts
    }

    /// The prefix and the guards of what a use is called on.
    fn around_route(&self, id: UseId, mounts: &HashMap<(FileId, usize), UseId>, depth: usize) -> (String, Vec<Guard>) {
        let Some((receiver, depth)) = self.receivers.get(&id).zip(depth.checked_sub(1)) else {
            return (String::new(), Vec::new());
        };
        let path = |id: UseId| {
            let one = self.code.uses.get(id)?;
            one.settings.get("path").and_then(|setting| setting.value.text()).map(str::to_owned)
        };
        let mut prefix = String::new();
        let mut guards = Vec::new();
        // The group itself, with what it hangs on: in `scope("/v1").wrap(guard).route(…)` it stands at the chain's root.
        let chain = self.chain(*receiver);
        let of = |meaning: Meaning| {
            let uses = chain.iter().filter_map(|call| self.uses.get(call).copied());
            uses.filter(move |one| *one != id && self.code.uses.get(*one).is_some_and(|one| one.meaning == meaning))
        };
        let group = of(Meaning::RouteGroup).next();
        let between: Vec<UseId> =
            of(Meaning::Middleware).filter(|one| self.receivers.get(one) != Some(receiver)).collect();
        for outer in [mounts.get(receiver).copied().filter(|mount| *mount != id), group].into_iter().flatten() {
            let (outer_prefix, outer_guards) = self.around_route(outer, mounts, depth);
            prefix = joined(&prefix, &joined(&outer_prefix, &path(outer).unwrap_or_default()));
            guards.extend(outer_guards);
            guards.extend(self.guards_of(outer, mounts));
        }
        for middleware in between.into_iter().filter_map(|one| self.code.uses.get(one)) {
            let runs = middleware.wraps.iter().filter_map(|at| Some((*at, self.code.functions.get(*at)?)));
            guards.extend(runs.map(|(at, function)| Guard {
                name: function.name.clone(),
                function: Some(at),
                used: None,
            }));
        }
        // Middleware of the same object, unless it is for another path.
        for (other, one) in self.used() {
            if one.meaning == Meaning::Middleware
                && self.receivers.get(&other) == Some(receiver)
                && path(other).is_none()
            {
                guards.extend(self.guards_of(other, mounts));
            }
        }
        (prefix, guards)
    }

    /// A call with those that it is chained to: what it is called on, and so on to the root.
    fn chain(&self, from: (FileId, usize)) -> Vec<(FileId, usize)> {
        let mut chain = vec![from];
        let (file, mut at) = from;
        while chain.len() < CHAIN
            && let Some(call) = self.program.files.get(file).and_then(|unit| unit.module.calls.get(at))
            && let Expr::Member(inner, _) = &call.callee
            && let Expr::Call(next) = **inner
        {
            chain.push((file, next));
            at = next;
        }
        chain
    }

    /// What a use is given as guards.
    fn guards_of(&self, id: UseId, mounts: &HashMap<(FileId, usize), UseId>) -> Vec<Guard> {
        let Some((file, at)) = self.calls_of.get(&id) else { return Vec::new() };
        let Some(call) = self.program.files.get(*file).and_then(|unit| unit.module.calls.get(*at)) else {
            return Vec::new();
        };
        let mounted = |value: &'p Expr| {
            let maker = self.names.get(*file)?.maker(value, call.scope)?;
            let made = program::follow(self.program, self.names, Made { file: *file, maker })?;
            match made.maker {
                Maker::Call(at) => mounts.get(&(made.file, at)),
                _ => None,
            }
        };
        let guards = call.arguments.iter().filter(|argument| mounted(&argument.value) != Some(&id));
        guards.flat_map(|argument| self.guard(*file, &argument.value, call.scope)).collect()
    }

    pub(super) fn guard(&self, file: FileId, value: &Expr, scope: ScopeId) -> Vec<Guard> {
        let Some(names) = self.names.get(file) else { return Vec::new() };
        match value {
            Expr::List(items) => items.iter().flat_map(|item| self.guard(file, item, scope)).collect(),
            Expr::Object { fields, .. } => fields
                .iter()
                .flat_map(|(key, item)| {
                    // `{ schema: { body: order } }` of Fastify checks what the handler is called with.
                    let schema = (key == "schema").then(|| Guard { name: key.clone(), function: None, used: None });
                    schema.into_iter().chain(self.guard(file, item, scope)).collect::<Vec<_>>()
                })
                .collect(),
            Expr::Call(at) => {
                let Some(call) = self.program.files.get(file).and_then(|unit| unit.module.calls.get(*at)) else {
                    return Vec::new();
                };
                let symbol = names.symbols(&call.callee, call.scope).into_iter().next();
                let function = symbol.as_deref().and_then(|symbol| self.function_named(file, symbol));
                let own =
                    Guard { name: symbol.unwrap_or_default(), function, used: self.uses.get(&(file, *at)).copied() };
                // `Depends(user)`, `login_required(view)`: what it is given runs with it.
                let given = call.arguments.iter().filter(|one| matches!(one.value, Expr::Name(_) | Expr::Member(..)));
                let given = given.flat_map(|one| self.guard(file, &one.value, call.scope));
                let given: Vec<Guard> = given.filter(|guard| guard.function.is_some()).collect();
                std::iter::once(own).chain(given).collect()
            }
            Expr::Name(_) | Expr::Member(..) | Expr::Function(_) => {
                let symbol = names.symbols(value, scope).into_iter().next();
                let function = match value {
                    Expr::Function(at) => self.functions.get(&(file, *at)).copied(),
                    _ => symbol.as_deref().and_then(|symbol| self.function_named(file, symbol)),
                };
                vec![Guard { name: symbol.unwrap_or_default(), function, used: None }]
            }
            _ => Vec::new(),
        }
    }

    /// The path that the class of a handler puts before its own.
    fn class_prefix(&self, handler: Option<FunctionId>) -> String {
        let Some(handler) = handler else { return String::new() };
        let groups = self.used().map(|(_, one)| one);
        let mut groups: Vec<&Use> =
            groups.filter(|one| one.meaning == Meaning::RouteGroup && one.wraps.contains(&handler)).collect();
        // The class stands on all its methods; `@Path` may stand on one of them too.
        groups.sort_by_key(|one| std::cmp::Reverse(one.wraps.len()));
        let paths = groups.into_iter().filter_map(|one| one.settings.get("path")?.value.text());
        paths.fold(String::new(), |prefix, path| joined(&prefix, path))
    }
}

/// What runs before the methods of a class.
struct Filter {
    /// It takes back what a class above says.
    skips: bool,
    class: String,
    /// What it runs without a name.
    blocks: Vec<FunctionId>,
    /// The methods that run.
    names: Vec<String>,
    /// The methods that they run before; empty: all.
    only: Vec<String>,
    except: Vec<String>,
}

/// What `resources` makes, by the method of the controller.
const RESOURCES: &[(&str, &str, &str)] = &[
    ("index", "GET", ""),
    ("create", "POST", ""),
    ("show", "GET", ":id"),
    ("update", "PATCH", ":id"),
    ("destroy", "DELETE", ":id"),
];

/// `GetMapping`, `MapGet` and `app.get` answer to GET.
fn method_of_symbol(symbol: &str) -> Option<String> {
    let last = symbol.rsplit('.').next().unwrap_or_default().to_ascii_uppercase();
    let last = last.trim_end_matches("MAPPING").trim_start_matches("MAP").to_owned();
    METHODS.contains(&last.as_str()).then_some(last)
}

/// `admin/order_items` is `Admin.OrderItems`.
pub(super) fn camel(path: &str) -> String {
    let word = |word: &str| {
        let mut letters = word.chars();
        letters.next().map(|first| first.to_uppercase().chain(letters).collect::<String>()).unwrap_or_default()
    };
    let part = |part: &str| part.split('_').map(word).collect::<String>();
    path.split('/').map(part).collect::<Vec<_>>().join(".")
}

/// The guards that a group or a route names by words: `middleware('auth:sanctum')`, or brings by itself.
fn said(one: &Use) -> Vec<Guard> {
    let texts = one.settings.get("guards").map(|setting| setting.value.texts()).unwrap_or_default();
    let own = one.defaults.get("guards").map(String::as_str);
    let named = |name: &str| Guard { name: name.to_owned(), function: None, used: None };
    texts.into_iter().chain(own).map(named).collect()
}

/// Two parts of a path with one slash between them.
pub(super) fn joined(prefix: &str, path: &str) -> String {
    match (prefix.trim_end_matches('/'), path.trim_start_matches('/')) {
        ("", _) => path.to_owned(),
        (prefix, "") => prefix.to_owned(),
        (prefix, path) => format!("{prefix}/{path}"),
    }
}
