//! Routes that are files: `src/app/api/orders/route.ts` of Next.js, `+server.ts` of `SvelteKit`. Which framework has them is in
//! `knowledge/source/routers.toml`.

use std::collections::{BTreeMap, BTreeSet};

use gonogo_domain::{
    AnswersWith, Place, Router,
    evidence::{Ecosystem, Fate, FunctionId, Guard, Meaning, Package, Role, ServedRoute, Use},
    routers,
};
use gonogo_source::Expr;

use super::{
    calls::holds,
    facts::{Linker, method},
    given::Given,
    program::{FileId, Program, folder},
};

/// What is written around a handler nests no deeper than this.
const DEPTH: usize = 8;

const METHODS: &[&str] = &["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS", "ALL"];

/// A folder in which a framework looks for routes, with the dependency of its manifest.
#[derive(Debug)]
pub(super) struct Site {
    folder: String,
    pub(super) router: &'static Router,
    version: Option<String>,
    place: Place,
}

/// The sites of these packages, the deepest first.
pub(super) fn sites(packages: &[Package]) -> Vec<Site> {
    let npm = packages.iter().filter(|package| package.ecosystem == Ecosystem::Npm);
    let mut sites: Vec<Site> = npm
        .flat_map(|package| {
            routers().iter().filter_map(|router| {
                let dependency = package.dependency(&router.package)?;
                Some(Site {
                    folder: folder(package.place.path()).to_owned(),
                    router,
                    version: dependency.version.clone(),
                    place: dependency.place.clone(),
                })
            })
        })
        .collect();
    sites.sort_by_key(|site| std::cmp::Reverse(site.folder.len()));
    sites
}

impl Program<'_> {
    /// The framework that a file of JavaScript may be a route of, and its path from the folder of the manifest.
    pub(super) fn site(&self, file: FileId) -> Option<(&Site, &str)> {
        let path = &*self.files.get(file).filter(|_| self.is_script(file))?.path;
        self.sites.iter().find_map(|site| {
            let rest = if site.folder.is_empty() {
                path
            } else {
                path.strip_prefix(site.folder.as_str())?.strip_prefix('/')?
            };
            Some((site, rest))
        })
    }

    /// A file that a framework runs where the program does.
    pub(super) fn runs_by_name(&self, file: FileId) -> bool {
        self.site(file).is_some_and(|(site, path)| {
            let router = site.router;
            router.route(path).is_some() || router.draws(path) || router.stands_before(path)
        })
    }
}

impl<'p> Linker<'p> {
    /// Adds the routes of files, and the server of the framework that has them.
    pub(super) fn file_routes(&mut self) {
        if self.program.sites.is_empty() {
            return;
        }
        let before = self.before_routes();
        let mut found: Vec<(FileId, ServedRoute)> = Vec::new();
        for file in (0..self.program.files.len()).filter(|file| self.has(*file)) {
            let Some((site, path)) = self.program.site(file) else { continue };
            let Some(route) = site.router.route(path) else { continue };
            let role = self.program.files.get(file).map_or(Role::Product, |unit| unit.role);
            let exports: Vec<(Option<&str>, &str)> = match route.answers {
                AnswersWith::ByMethod => METHODS.iter().map(|name| (Some(*name), *name)).collect(),
                AnswersWith::ByDefault => vec![(route.method.as_deref(), "default")],
            };
            for (method, name) in exports {
                let Some((handler, mut guards, place)) = self.exported_handler(file, name) else { continue };
                let first = before.iter().filter(|one| one.stands_before(&site.folder, &route.path));
                guards.splice(0..0, first.map(|one| one.guard.clone()));
                found.push((
                    file,
                    ServedRoute {
                        method: method.filter(|method| *method != "ALL").map(str::to_owned),
                        path: route.path.clone(),
                        handler,
                        guards,
                        place,
                        role,
                    },
                ));
            }
        }
        let serving: BTreeSet<FileId> =
            found.iter().filter(|(_, route)| route.role.counts()).map(|(file, _)| *file).collect();
        self.code.routes.extend(found.into_iter().map(|(_, route)| route));
        self.serves_files(&serving);
        self.asks_by_path(&before);
    }

    /// Names of variables that the settings of a framework give their values, and do not read themselves.
    pub(super) fn defined_when_built(&self) -> BTreeSet<&'p str> {
        let here = (0..self.program.files.len()).filter(|file| self.has(*file));
        here.filter_map(|file| {
            let (site, path) = self.program.site(file)?;
            let field = site.router.defines(path)?;
            let module = self.context(file)?.module;
            let given = module.calls.iter().flat_map(|call| &call.arguments).map(|one| &one.value);
            let bound = module.bindings.iter().filter_map(|one| one.value.as_ref());
            let objects = given.chain(bound).filter_map(move |value| value.field(field));
            let handed_on = |name: &str| self.reads.iter().any(|(at, _, read)| *at == file && read.name == name);
            let names = objects.flat_map(|object| match object {
                Expr::Object { fields, .. } => fields.iter().map(|(name, _)| name.as_str()).collect(),
                _ => Vec::new(),
            });
            Some(names.filter(|name| !handed_on(name)).collect::<Vec<_>>())
        })
        .flatten()
        .collect()
    }

    /// What a file exports under a name as a handler, with what is written around it.
    fn exported_handler(&self, file: FileId, name: &'static str) -> Option<(Option<FunctionId>, Vec<Guard>, Place)> {
        let Given::Own(file, name) = self.program.given_by_name(file, name)? else {
            return Some((None, Vec::new(), self.place(file, 1)));
        };
        let context = self.context(file)?;
        let named = |name: &str| {
            let scope = self.program.files.get(file)?.outline.named.get(name)?;
            self.functions.get(&(file, *scope)).copied()
        };
        if let Some(function) = named(name) {
            return Some((Some(function), Vec::new(), self.code.functions.get(function)?.place.clone()));
        }
        let bound = context.names.bindings(name).find(|one| one.scope == 0)?;
        let mut guards = Vec::new();
        let mut handler = None;
        let mut next = bound.value.as_ref();
        for _ in 0..DEPTH {
            match next {
                Some(Expr::Function(scope)) => {
                    handler = self.functions.get(&(file, *scope)).copied();
                    break;
                }
                // `withUser(handler)`, `wrap({ handler: async () => … })`
                Some(wrapper @ Expr::Call(at)) => {
                    guards.extend(self.guard(file, wrapper, 0).into_iter().take(1));
                    let call = context.module.calls.get(*at)?;
                    let values = call.arguments.iter().map(|one| match &one.value {
                        object @ Expr::Object { .. } => object.field("handler").unwrap_or(object),
                        value => value,
                    });
                    next =
                        values.rev().find(|value| matches!(value, Expr::Function(_) | Expr::Call(_) | Expr::Name(_)));
                }
                Some(value @ Expr::Name(_)) => {
                    let symbol = context.names.symbols(value, 0).into_iter().next();
                    handler = symbol.and_then(|symbol| self.function_named(file, &symbol));
                    break;
                }
                _ => break,
            }
        }
        Some((handler, guards, self.place(file, bound.spot.line)))
    }

    /// The files that a framework runs before every route.
    fn before_routes(&self) -> Vec<Before> {
        let here = (0..self.program.files.len()).filter(|file| self.has(*file));
        here.filter_map(|file| {
            let (site, path) = self.program.site(file)?;
            site.router.stands_before(path).then_some(())?;
            let names = ["default", "middleware", "proxy", "handle", "onRequest"];
            let (handler, guards, place) = names.iter().find_map(|name| self.exported_handler(file, name))?;
            let context = self.context(file)?;
            let mut calls = context.module.calls.iter().filter_map(|call| method(&call.callee));
            let called = context.module.calls.iter().filter_map(|call| call.callee.name());
            let reads = context.module.reads.iter().filter_map(|read| read.value.name()).chain(called);
            let looks_at_path = calls.any(|name| name == "createRouteMatcher")
                || reads
                    .chain(context.module.bindings.iter().filter_map(|one| one.value.as_ref()?.name()))
                    .any(|name| name.split('.').any(|word| word == "pathname"));
            let name = guards.first().map_or("middleware", |guard| guard.name.as_str()).to_owned();
            Some(Before {
                folder: site.folder.clone(),
                guard: Guard { name, function: handler, used: guards.first().and_then(|guard| guard.used) },
                place,
                looks_at_path,
                matchers: matchers(context.names.top_value("config")),
            })
        })
        .collect()
    }

    /// A middleware that lets some paths pass asks by rules that are not followed.
    fn asks_by_path(&mut self, before: &[Before]) {
        for one in before.iter().filter(|one| one.looks_at_path) {
            let asks = |function: FunctionId| {
                let reached = self.code.reached(function);
                reached.into_iter().filter_map(|at| self.code.functions.get(at)).any(|function| {
                    let mut uses = function.uses.iter().filter_map(|id| self.code.uses.get(*id));
                    function.refuses
                        || uses.any(|one| matches!(one.meaning, Meaning::Authentication | Meaning::Authorization))
                })
            };
            if let Some(function) = one.guard.function.filter(|function| asks(*function)) {
                let defaults = BTreeMap::from([("scope".to_owned(), "program".to_owned())]);
                let place = one.place.clone();
                self.add_by_name(Meaning::Authentication, "middleware", None, place, function, defaults);
            }
        }
    }

    /// The framework serves its routes where no line of the program does.
    fn serves_files(&mut self, serving: &BTreeSet<FileId>) {
        let served = self.used().any(|(_, one)| {
            one.role.counts()
                && one.meaning == Meaning::Listen
                && one.defaults.get("kind").is_some_and(|kind| kind == "http")
        });
        let Some((first, site)) =
            serving.iter().find_map(|file| Some((*file, self.program.site(*file)?.0))).filter(|_| !served)
        else {
            return;
        };
        let router = site.router;
        let Some(function) = self.functions.get(&(first, 0)).copied().filter(|_| !router.listens.is_empty()) else {
            return;
        };
        let mut defaults = router.listens.clone();
        let drains = site.version.as_deref().zip(router.drains_since.as_deref());
        if drains.is_some_and(|(version, since)| !holds(&format!(">={since}"), version)) {
            defaults.insert("drain".to_owned(), "impossible".to_owned());
        }
        let (place, version) = (site.place.clone(), site.version.clone());
        self.add_by_name(Meaning::Listen, &router.package, version, place, function, defaults);
    }

    fn add_by_name(
        &mut self,
        meaning: Meaning,
        symbol: &str,
        version: Option<String>,
        place: Place,
        function: FunctionId,
        defaults: BTreeMap<String, String>,
    ) {
        self.add(Use {
            meaning,
            symbol: symbol.to_owned(),
            package: (meaning == Meaning::Listen).then(|| symbol.to_owned()),
            version,
            place,
            role: Role::Product,
            function,
            settings: BTreeMap::new(),
            defaults,
            wraps: Vec::new(),
            client: None,
            in_loop: false,
            in_branch: false,
            in_catch: false,
            fate: Fate::Kept,
        });
    }
}

/// What runs before the routes of a site.
struct Before {
    folder: String,
    guard: Guard,
    place: Place,
    looks_at_path: bool,
    /// The paths that it is for; none: all.
    matchers: Option<Vec<String>>,
}

impl Before {
    /// It stands before this path, whatever it is asked for.
    fn stands_before(&self, folder: &str, path: &str) -> bool {
        let matches = |all: &Vec<String>| all.iter().any(|matcher| covers(matcher, path));
        self.folder == folder && !self.looks_at_path && self.matchers.as_ref().is_none_or(matches)
    }
}

/// The paths of `export const config = { matcher: ["/api/:path*"] }`.
fn matchers(config: Option<&Expr>) -> Option<Vec<String>> {
    let text = |value: &Expr| value.text().or_else(|| value.field("source")?.text()).map(str::to_owned);
    match config?.field("matcher")? {
        Expr::List(items) => Some(items.iter().filter_map(text).collect()),
        value => Some(text(value).into_iter().collect()),
    }
}

/// `/api/:path*`, `/((?!_next|health).*)`: whether a path is one that the pattern is for.
fn covers(pattern: &str, path: &str) -> bool {
    if let Some((before, rest)) = pattern.split_once("(?!") {
        let others = rest.split(')').next().unwrap_or(rest).split('|');
        let Some(rest) = path.strip_prefix(before.trim_end_matches('(')) else { return false };
        return !others.into_iter().any(|other| rest.starts_with(other.trim_end_matches(['.', '*', '$', '/'])));
    }
    let fixed = pattern.find([':', '(', '*']).and_then(|at| pattern.get(..at));
    match fixed {
        Some(before) => path.starts_with(before.trim_end_matches('/')),
        None => path == pattern,
    }
}

#[cfg(test)]
mod tests {
    use super::covers;

    #[test]
    fn matchers_say_which_paths_a_middleware_is_for() {
        let check = |pattern: &str, path: &str, expect: bool| assert_eq!(covers(pattern, path), expect, "{pattern}");
        check("/api/:path*", "/api/orders", true);
        check("/api/:path*", "/health", false);
        check("/orders", "/orders", true);
        check("/orders", "/orders/{id}", false);
        check("/((?!api/health|_next/static|favicon.ico).*)", "/api/orders", true);
        check("/((?!api/health|_next/static|favicon.ico).*)", "/api/health", false);
        check("/admin(.*)", "/admin/users", true);
    }
}
