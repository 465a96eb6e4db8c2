//! Routes of Rails: `post "/top" => "home#top"`, and what the blocks around one make of its path and its controller.

use gonogo_domain::evidence::FunctionId;
use gonogo_source::{Call, Expr, Language, ScopeKind};

use super::{
    facts::{Linker, method},
    program::FileId,
    routes::{camel, joined},
};

/// A route as the file of routes writes it.
pub(super) struct Written {
    pub(super) path: String,
    pub(super) handler: Option<FunctionId>,
    /// It only sends the caller elsewhere.
    pub(super) redirects: bool,
}

/// What the blocks around a route say.
#[derive(Default)]
struct Around {
    path: String,
    /// The modules of its controllers.
    module: String,
    /// The controller of the innermost resources.
    controller: Option<String>,
}

impl Linker<'_> {
    /// A call of the file of routes that names an action, by itself or through the blocks around it.
    pub(super) fn rails_route(&self, file: FileId, call: &Call) -> Option<Written> {
        let around = self.blocks_around(file, call)?;
        let mut arguments = call.arguments.iter();
        // `post "/top" => "home#top"`
        let arrow = arguments.find(|one| one.name.as_deref().is_some_and(|name| !is_option(name)));
        let positional = call.arguments.iter().find(|one| one.name.is_none()).and_then(|one| one.value.text());
        let named =
            |key: &str| call.arguments.iter().find(|one| one.name.as_deref() == Some(key)).map(|one| &one.value);
        let own = arrow.and_then(|one| one.name.as_deref()).or(positional)?;
        let target = arrow.map(|one| &one.value).or_else(|| named("to"));
        let redirects = matches!(target, Some(Expr::Call(at)) if self.is_redirect(file, *at));
        let said = target.and_then(Expr::text).or_else(|| named("action").and_then(Expr::text));
        // `post "upvote"` of resources, `post "/stories/preview"` by its path.
        let said = said.unwrap_or(own).trim_start_matches('/');
        let (controller, action) = match said.split_once('#') {
            Some((controller, action)) => (controller.to_owned(), action),
            None => match (&around.controller, said.rsplit_once('/')) {
                (Some(controller), None) => (controller.clone(), said),
                (None, Some((controller, action))) => (controller.to_owned(), action),
                _ => (String::new(), said),
            },
        };
        let controller = named("controller").and_then(Expr::text).map_or(controller, str::to_owned);
        let path = joined(&around.path, own);
        let handler =
            (!controller.is_empty()).then(|| self.of_controller(&around.module, &controller, action)).flatten();
        Some(Written { path, handler, redirects })
    }

    /// The path and the modules that the blocks around resources put before theirs.
    pub(super) fn around_resources(&self, file: FileId, call: &Call) -> (String, String) {
        self.blocks_around(file, call).map(|around| (around.path, around.module)).unwrap_or_default()
    }

    /// The method of a controller, whose class may stand in a module.
    pub(super) fn of_controller(&self, module: &str, controller: &str, action: &str) -> Option<FunctionId> {
        let class = format!("{}Controller", camel(controller));
        let full = format!("{module}{class}");
        let bare = || self.method_of(class.rsplit('.').next().unwrap_or(&class), action);
        self.method_of(&full, action).or_else(|| self.method_of(&class, action)).or_else(bare)
    }

    /// What a module brings that a controller includes: the only method of the program of this name.
    pub(super) fn of_concern(&self, name: &str) -> Option<FunctionId> {
        let here = |function: &&FunctionId| self.scopes.get(**function).is_some_and(|(file, _)| self.has(*file));
        let mut all = self.methods.get(name).into_iter().flatten().filter(here);
        all.next().filter(|_| all.next().is_none()).copied()
    }

    fn is_redirect(&self, file: FileId, at: usize) -> bool {
        let call = self.program.files.get(file).and_then(|unit| unit.module.calls.get(at));
        call.is_some_and(|call| method(&call.callee) == Some("redirect"))
    }

    /// None where the call stands in no file of routes.
    fn blocks_around(&self, file: FileId, call: &Call) -> Option<Around> {
        let unit = self.program.files.get(file).filter(|unit| unit.language == Language::Ruby)?;
        let module = &unit.module;
        let blocks = module.around(call.scope).filter(|(_, scope)| scope.kind == ScopeKind::Function);
        let mut outer: Vec<&Call> = blocks
            .filter_map(|(at, _)| {
                let given = |call: &&Call| call.arguments.iter().any(|one| one.value == Expr::Function(at));
                module.calls.iter().find(given)
            })
            .collect();
        outer.reverse();
        let of_routes = outer.first().is_some_and(|call| method(&call.callee) == Some("draw"))
            || unit.path.contains("config/routes");
        if !of_routes {
            return None;
        }
        let mut around = Around::default();
        for call in outer {
            let name = call.arguments.iter().find(|one| one.name.is_none()).and_then(|one| one.value.text());
            let named = |key: &str| {
                let set = call.arguments.iter().find(|one| one.name.as_deref() == Some(key));
                set.and_then(|one| one.value.text())
            };
            match (method(&call.callee), name) {
                (Some("namespace"), Some(name)) => {
                    around.path = joined(&around.path, named("path").unwrap_or(name));
                    around.module = format!("{}{}.", around.module, camel(named("module").unwrap_or(name)));
                }
                (Some("scope"), name) => {
                    around.path = joined(&around.path, named("path").or(name).unwrap_or_default());
                    if let Some(module) = named("module") {
                        around.module = format!("{}{}.", around.module, camel(module));
                    }
                }
                (Some("resources"), Some(name)) => {
                    around.path = joined(&around.path, &format!("{}/:id", named("path").unwrap_or(name)));
                    around.controller = Some(named("controller").unwrap_or(name).to_owned());
                }
                (Some("resource"), Some(name)) => {
                    around.path = joined(&around.path, named("path").unwrap_or(name));
                    around.controller = Some(named("controller").map_or_else(|| format!("{name}s"), str::to_owned));
                }
                (Some("collection"), _) => {
                    around.path = around.path.strip_suffix("/:id").unwrap_or(&around.path).to_owned();
                }
                (Some("controller"), Some(name)) => around.controller = Some(name.to_owned()),
                _ => (),
            }
        }
        Some(around)
    }
}

/// What a route is given beside its path.
fn is_option(name: &str) -> bool {
    matches!(
        name,
        "to" | "as"
            | "via"
            | "format"
            | "constraints"
            | "controller"
            | "action"
            | "defaults"
            | "on"
            | "only"
            | "except"
            | "module"
            | "path"
            | "param"
            | "protocol"
            | "host"
            | "anchor"
            | "&"
    )
}
