//! Routes that another file takes in, and what it puts before them: `path("api/", include("shop.api.urls"))` of Django,
//! `Route::group(['middleware' => 'api'], fn () => require base_path('routes/api.php'))` of Laravel.

use gonogo_domain::evidence::{Guard, Meaning, UseId};
use gonogo_source::{Expr, Language};

use super::{
    facts::Linker,
    program::{self, FileId},
    routes::joined,
};

/// Lists of routes take each other in no deeper than this.
const DEPTH: usize = 6;

/// The same list is taken in no more often.
const WAYS: usize = 8;

/// What Laravel lists its middleware in, by short names: fields of its kernel.
const GROUPS: &[&str] = &["middlewareGroups", "middlewareAliases", "routeMiddleware"];

/// A list of routes that another list takes in.
pub(super) struct Inclusion {
    /// The file of the list, and its variable.
    file: FileId,
    list: String,
    /// The route that takes it in.
    by: (FileId, usize),
    path: String,
}

/// The classes that a short name of a middleware stands for.
pub(super) struct ShortName {
    name: String,
    guards: Vec<Guard>,
}

impl Linker<'_> {
    pub(super) fn inclusions(&self) -> Vec<Inclusion> {
        let mut found = Vec::new();
        for (id, one) in self.used().filter(|(_, one)| one.meaning == Meaning::Route && one.role.counts()) {
            let Some((file, at)) = self.calls_of.get(&id).copied() else { continue };
            let Some(unit) = self.program.files.get(file).filter(|unit| unit.language == Language::Python) else {
                continue;
            };
            let path = one.settings.get("path").and_then(|setting| setting.value.text()).unwrap_or_default();
            let path = path.rsplit("{}").next().unwrap_or(path);
            let taken = unit.module.calls.get(at).and_then(|call| match call.arguments.get(1).map(|one| &one.value) {
                Some(Expr::Call(taken)) if self.is_group(file, *taken) => unit.module.calls.get(*taken),
                _ => None,
            });
            // `include(("shop.urls", "shop"))`
            let what = taken.and_then(|call| match call.arguments.first().map(|one| &one.value) {
                Some(Expr::List(items)) => items.first(),
                what => what,
            });
            let list = match what {
                Some(Expr::Text(module)) => self.module_of_python(module).map(|file| (file, "urlpatterns".to_owned())),
                Some(Expr::Name(name)) if !name.contains('.') => Some((file, name.clone())),
                _ => None,
            };
            if let Some((target, list)) = list {
                found.push(Inclusion { file: target, list, by: (file, at), path: path.to_owned() });
            }
        }
        found
    }

    fn is_group(&self, file: FileId, at: usize) -> bool {
        let made = self.uses.get(&(file, at)).and_then(|id| self.code.uses.get(*id));
        made.is_some_and(|one| one.meaning == Meaning::RouteGroup)
    }

    /// `shop.api.urls` is `…/shop/api/urls.py`.
    fn module_of_python(&self, module: &str) -> Option<FileId> {
        let path = module.replace('.', "/");
        let ends = [format!("{path}.py"), format!("{path}/__init__.py")];
        let is = |own: &str| {
            ends.iter()
                .any(|end| own.strip_suffix(end.as_str()).is_some_and(|rest| rest.is_empty() || rest.ends_with('/')))
        };
        let mut here = self.program.files.iter().enumerate().filter(|(file, _)| self.has(*file));
        let found = here.find(|(_, unit)| unit.role.counts() && is(&unit.path))?.0;
        super::touched::touch(found);
        Some(found)
    }

    /// The paths that the lists around a route put before its own, one for each way in which they take it in.
    pub(super) fn included(&self, (file, at): (FileId, usize), inclusions: &[Inclusion]) -> Vec<String> {
        let mut ends = Vec::new();
        let mut open = vec![((file, at), String::new(), DEPTH)];
        while let Some(((file, at), prefix, depth)) = open.pop() {
            let lists = self.lists_of(file, at);
            let outer: Vec<&Inclusion> = inclusions
                .iter()
                .filter(|one| depth > 0 && one.file == file && lists.contains(&one.list.as_str()))
                .collect();
            if outer.is_empty() {
                ends.push(prefix);
                continue;
            }
            let ways = outer.iter().rev().map(|one| (one.by, joined(&one.path, &prefix), depth.saturating_sub(1)));
            open.extend(ways.take(WAYS.saturating_sub(ends.len() + open.len()).max(1)));
        }
        ends.truncate(WAYS);
        ends
    }

    /// The variables that hold the list in which a call stands.
    fn lists_of(&self, file: FileId, at: usize) -> Vec<&str> {
        let Some(module) = self.program.files.get(file).map(|unit| &unit.module) else { return Vec::new() };
        let holds = |value: &Expr| {
            let mut holds = false;
            value.walk(&mut |inner| holds |= *inner == Expr::Call(at));
            holds
        };
        let lists = module.bindings.iter().filter(|one| one.value.as_ref().is_some_and(holds));
        lists.map(|one| one.name.as_str()).collect()
    }

    /// The groups whose function takes in a file with routes at its top, by the file.
    pub(super) fn requiring(&self) -> Vec<(FileId, UseId)> {
        let mut found = Vec::new();
        for (id, _) in self.used().filter(|(_, one)| one.meaning == Meaning::RouteGroup && one.role.counts()) {
            let Some((file, at)) = self.calls_of.get(&id).copied() else { continue };
            let Some(unit) = self.program.files.get(file).filter(|unit| unit.language == Language::Php) else {
                continue;
            };
            let module = &unit.module;
            let Some(call) = module.calls.get(at) else { continue };
            // The innermost group that the text stands in is the one that it belongs to.
            let texts = module.literals.iter().map(|one| (one.spot, one.text.as_str()));
            let all = texts.chain(module.imports.iter().map(|one| (one.spot, one.module.as_str())));
            for (_, path) in
                all.filter(|(spot, path)| call.spot.contains(*spot) && path.rsplit('.').next() == Some("php"))
            {
                let path = path.trim_start_matches(['/', '.']);
                let folder = program::folder(&unit.path).split('/').next().unwrap_or_default();
                let mut here = self.program.files.iter().enumerate().filter(|(other, _)| self.has(*other));
                let taken = here.find(|(_, other)| {
                    *other.path == *path
                        || other
                            .path
                            .strip_suffix(path)
                            .is_some_and(|rest| rest.ends_with('/') && rest.starts_with(folder))
                });
                found.extend(taken.map(|(taken, _)| (taken, id)));
            }
        }
        found
    }

    /// What short names of middleware stand for: `'api' => [Throttle::class, ApiAuthenticate::class]`.
    pub(super) fn short_names(&self) -> Vec<ShortName> {
        let mut found = Vec::new();
        let here = self.program.files.iter().enumerate().filter(|(file, _)| self.has(*file));
        for (file, unit) in here.filter(|(_, unit)| unit.language == Language::Php && unit.role.counts()) {
            let fields = unit
                .module
                .bindings
                .iter()
                .filter(|one| one.name.strip_prefix("this.").is_some_and(|name| GROUPS.contains(&name)));
            for one in fields {
                let Some(Expr::Object { fields, .. }) = &one.value else { continue };
                for (name, value) in fields {
                    let mut guards = Vec::new();
                    value.walk(&mut |inner| {
                        let Expr::Name(class) = inner else { return };
                        let class = class.strip_suffix(".class").unwrap_or(class);
                        let last = class.rsplit('.').next().unwrap_or(class);
                        guards.push(Guard {
                            name: last.to_owned(),
                            function: self.method_of(last, "handle"),
                            used: None,
                        });
                    });
                    super::touched::touch(file);
                    found.push(ShortName { name: name.clone(), guards });
                }
            }
        }
        found
    }
}

/// The guards, and those that the short ones among them stand for: `throttle:public` is `throttle`.
pub(super) fn spelled_out(guards: Vec<Guard>, names: &[ShortName]) -> Vec<Guard> {
    let mut all = Vec::new();
    for guard in guards {
        let short = guard.name.split(':').next().unwrap_or_default();
        let long = names.iter().find(|one| guard.function.is_none() && one.name == short);
        all.extend(long.into_iter().flat_map(|one| one.guards.iter().cloned()));
        all.push(guard);
    }
    all
}
