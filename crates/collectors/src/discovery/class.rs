//! What a unit is, by the strongest sign that was seen, with the sign in words.

use gonogo_domain::{
    Capability, Class, Message, Node, Place,
    evidence::{
        Healthcheck, ImageBuild, ImageRef, InstructionKind, Located, Object, Package, Port, ProbeAction, Role,
        Workload, WorkloadKind,
    },
};

use super::{Candidate, Declared, names::normal, products, programs, role_of};
use crate::paths;

/// A unit with everything that may say what it is.
pub(super) struct View<'a> {
    pub declared: &'a Declared<'a>,
    pub candidate: &'a Candidate,
    /// The folder of the package that it is built from.
    pub home: &'a str,
    /// Other units are built from the same package: what it depends on says nothing about this one.
    pub home_is_shared: bool,
}

impl<'a> View<'a> {
    pub(super) fn workloads(&self) -> impl Iterator<Item = &'a Workload> {
        self.candidate.workloads.iter().filter_map(|index| self.declared.workloads.get(*index))
    }

    pub(super) fn images(&self) -> impl Iterator<Item = &'a ImageBuild> {
        self.candidate.images.iter().filter_map(|index| self.declared.images.get(*index))
    }

    /// Its own package manifests, test-only and example ones left out.
    pub(super) fn packages(&self) -> impl Iterator<Item = &'a Package> {
        self.declared.packages.iter().enumerate().filter_map(|(index, package)| {
            let path = package.place.path();
            let own = self.candidate.packages.contains(&index)
                || (!self.home_is_shared && paths::is_below(paths::folder(path), self.home) && self.in_home(path));
            own.then_some(package)
        })
    }

    fn in_home(&self, path: &str) -> bool {
        let product = self.declared.corpus.tree.entry(path).is_some_and(|entry| entry.role == Role::Product);
        // Below the root only what lies in it: other folders may be other things.
        product && (self.home != "." || paths::folder(path) == ".")
    }
}

pub(super) fn classify(view: &View<'_>) -> (Class, Message) {
    if let Some(job) = job(view) {
        return (Class::Job, job);
    }
    if let Some(store) = data_store(view) {
        return (Class::Store, store);
    }
    if let Some(site) = site(view) {
        return (Class::StaticSite, site);
    }
    if let Some(class) = platform(view) {
        return class;
    }
    let serves = port(view)
        .or_else(|| selected(view))
        .or_else(|| exposed(view))
        .or_else(|| data_product(view))
        .or_else(|| answers_probe(view));
    if let Some(reason) = serves {
        return (Class::Server, reason);
    }
    let runs = view.workloads().find(|workload| workload.kind.long_running());
    if let Some(reason) = package_sign(view, &[Capability::DeviceApp]).filter(|_| runs.is_none()) {
        return (Class::CommandLineTool, reason);
    }
    let queue = package_sign(view, &[Capability::Worker, Capability::Queue, Capability::Scheduler]);
    // Who only calls others depends on the libraries of gRPC too: what runs without a port and takes from a queue calls.
    let calls_only = runs.is_some() && queue.is_some();
    let answering: &[Capability] =
        if calls_only { &[Capability::HttpServer] } else { &[Capability::HttpServer, Capability::GrpcServer] };
    let answers = package_sign(view, answering);
    match (runs, answers, queue) {
        // A queue and no port: the web framework, if any, answers health checks.
        (_, None, Some(reason)) => return (Class::Worker, reason),
        (_, Some(reason), _) => return (Class::Server, reason),
        (Some(workload), None, None) => {
            return (
                Class::Worker,
                Message::new(
                    format!(
                        "{} {} runs all the time and opens no port ({})",
                        workload.kind.name(),
                        workload.name,
                        workload.place
                    ),
                    format!("{} {} 持续运行且不开放端口（{}）", workload.kind.name(), workload.name, workload.place),
                ),
            );
        }
        (None, None, None) => (),
    }
    described(view).map_or_else(|| by_program(view), |reason| (Class::Server, reason))
}

/// Nothing of it is meant to run all the time.
fn job(view: &View<'_>) -> Option<Message> {
    let first = view.workloads().next()?;
    if view.workloads().any(|workload| workload.kind.long_running()) {
        return None;
    }
    Some(Message::new(
        format!("it runs to completion as {} ({})", first.kind.name(), first.place),
        format!("以 {} 形式运行至结束（{}）", first.kind.name(), first.place),
    ))
}

/// What a platform's file says about how it is run.
fn platform(view: &View<'_>) -> Option<(Class, Message)> {
    let mut functions = Vec::new();
    for workload in view.workloads() {
        let WorkloadKind::Platform(platform) = &workload.kind else { continue };
        let kind = workload.body.str_at("type");
        let probed = workload.main_containers().any(|container| {
            let probes = [&container.readiness, &container.liveness];
            probes
                .into_iter()
                .flatten()
                .any(|probe| matches!(probe.action, ProbeAction::Http { .. } | ProbeAction::Tcp { .. }))
        });
        let web = match platform.as_str() {
            "procfile" => workload.name == "web",
            "render" => matches!(kind, Some("web" | "pserv")),
            "app engine" => true,
            "serverless function" => {
                functions.push(workload);
                false
            }
            _ => probed,
        };
        if web || probed {
            return Some((
                Class::Server,
                Message::new(
                    format!("{platform} sends requests to it ({})", workload.place),
                    format!("{platform} 向其转发请求（{}）", workload.place),
                ),
            ));
        }
    }
    let first = functions.first()?;
    let events: Vec<&str> = functions
        .iter()
        .flat_map(|workload| workload.body.list("events"))
        .filter_map(|event| event.str().or_else(|| event.entries().first().map(|entry| entry.key.as_str())))
        .collect();
    let place = &first.place;
    if events.iter().any(|event| matches!(*event, "http" | "httpApi" | "alb" | "websocket")) {
        let en = format!("its functions answer requests ({place})");
        return Some((Class::Server, Message::new(en, format!("其函数处理请求（{place}）"))));
    }
    if !events.is_empty() && events.iter().all(|event| *event == "schedule") {
        let en = format!("its functions run on a schedule ({place})");
        return Some((Class::Job, Message::new(en, format!("其函数按计划运行（{place}）"))));
    }
    let en = format!("its functions take their work from events ({place})");
    Some((Class::Worker, Message::new(en, format!("其函数由事件触发（{place}）"))))
}

/// A web server's image that only got files.
fn site(view: &View<'_>) -> Option<Message> {
    let image = view.images().next()?;
    let base = handing_out(image).filter(|_| !passes_on(view, image))?;
    Some(Message::new(
        format!("{} only hands out files ({})", base.value.text, base.place),
        format!("{} 仅提供静态文件（{}）", base.value.text, base.place),
    ))
}

/// The web server that an image is made from, where nothing else runs in it: what it holds beside is handed out as it is.
pub(crate) fn handing_out(image: &ImageBuild) -> Option<&Located<ImageRef>> {
    const PROGRAMS: &[&str] = &["pip ", "npm ", "go build", "gunicorn", "php-fpm"];
    let base = image.final_base()?;
    products::product(&base.value).filter(|product| product.site)?;
    let own_program =
        image.final_chain().into_iter().flat_map(|stage| &stage.instructions).any(
            |one| matches!(&one.kind, InstructionKind::Run(text) if PROGRAMS.iter().any(|word| text.contains(word))),
        );
    (!own_program).then_some(base)
}

/// A configuration that the image copies makes the web server pass requests on.
fn passes_on(view: &View<'_>, image: &ImageBuild) -> bool {
    let tree = view.declared.corpus.tree;
    image.final_instructions().any(|one| {
        let (InstructionKind::Copy { from: None, sources, .. } | InstructionKind::Add { sources, .. }) = &one.kind
        else {
            return false;
        };
        sources.iter().filter_map(|source| paths::join(&image.context, source)).any(|path| {
            tree.below(&path)
                .map(|entry| &*entry.path)
                .chain(tree.entry(&path).map(|entry| &*entry.path))
                .filter(|path| {
                    let name = paths::name(path);
                    name.contains(".conf") || name == "Caddyfile" || name.ends_with(".template")
                })
                .take(16)
                .any(|path| {
                    tree.text(path).is_ok_and(|text| {
                        ["proxy_pass", "fastcgi_pass", "reverse_proxy", "uwsgi_pass", "ProxyPass"]
                            .iter()
                            .any(|word| text.contains(word))
                    })
                })
        })
    })
}

/// Names of ports that only observers use.
fn observed_only(name: &str) -> bool {
    matches!(
        name.to_ascii_lowercase().as_str(),
        "metrics"
            | "http-metrics"
            | "https-metrics"
            | "prometheus"
            | "prom"
            | "monitoring"
            | "health"
            | "healthz"
            | "http-health"
            | "health-probe"
            | "healthcheck"
            | "probes"
            | "probe"
            | "liveness"
            | "readiness"
            | "pprof"
            | "http-prom"
            | "telemetry"
    )
}

/// Requests come in through it: its own name does not say that only observers use it, nor do those of the Services.
fn serving(view: &View<'_>, workload: &Workload, port: &Port) -> bool {
    if let Some(name) = port.name.as_deref() {
        return !observed_only(name);
    }
    let Some(number) = port.number else { return true };
    let services = view.declared.objects.iter().filter(|object| object.kind == "Service" && selects(object, workload));
    let ports = services
        .flat_map(|object| object.body.list("spec.ports"))
        .filter(|port| port.int_at("targetPort").or_else(|| port.int_at("port")) == Some(i64::from(number)));
    let mut names = ports.map(|port| port.str_at("name").is_some_and(observed_only)).peekable();
    names.peek().is_none() || names.any(|observed| !observed)
}

fn port(view: &View<'_>) -> Option<Message> {
    // A debugger's port in an overlay for developers says nothing.
    let production = view.workloads().any(|workload| workload.production);
    let running = view.workloads().filter(|workload| workload.kind.long_running() && workload.production == production);
    for workload in running {
        let mut ports = workload.main_containers().flat_map(|container| &container.ports);
        if let Some(port) = ports.find(|port| serving(view, workload, port)) {
            let number = port.number.map(|number| number.to_string()).or_else(|| port.name.clone()).unwrap_or_default();
            return Some(Message::new(
                format!("it listens on port {number} ({})", port.place),
                format!("监听端口 {number}（{}）", port.place),
            ));
        }
        if workload.kind == WorkloadKind::KnativeService {
            return Some(Message::new(
                format!("a Knative Service answers requests ({})", workload.place),
                format!("Knative Service 处理请求（{}）", workload.place),
            ));
        }
    }
    None
}

/// A Service that is not headless sends requests to it.
fn selected(view: &View<'_>) -> Option<Message> {
    let workloads: Vec<&Workload> = view.workloads().filter(|workload| workload.kind.kubernetes()).collect();
    let services = view.declared.objects.iter().filter(|object| {
        object.kind == "Service"
            && object.body.str_at("spec.clusterIP") != Some("None")
            && object.body.list("spec.ports").iter().any(|port| !port.str_at("name").is_some_and(observed_only))
            && workloads.iter().any(|workload| selects(object, workload))
    });
    // The one that serves customers is the better sign.
    let example = |object: &&Object| role_of(view.declared, object.place.path()) == Some(Role::Example);
    let object = services.min_by_key(|object| (example(object), !object.production))?;
    Some(Message::new(
        format!("Service {} sends requests to it ({})", object.name, object.place),
        format!("Service {} 向其转发请求（{}）", object.name, object.place),
    ))
}

/// The labels that an object selects are all on the pods.
pub(crate) fn selects(object: &Object, workload: &Workload) -> bool {
    let selector = match object.kind.as_str() {
        "Service" => object.body.at("spec.selector"),
        "NetworkPolicy" => object.body.at("spec.podSelector.matchLabels"),
        _ => object.body.at("spec.selector.matchLabels"),
    };
    let pairs = selector.map_or(&[][..], Node::entries);
    !pairs.is_empty()
        && pairs.iter().all(|pair| workload.pod_labels.get(&pair.key).map(String::as_str) == pair.node.str())
}

fn exposed(view: &View<'_>) -> Option<Message> {
    if beside_the_server(view) {
        return None;
    }
    view.images().find_map(|image| {
        let place = image.final_instructions().find_map(|one| match &one.kind {
            InstructionKind::Expose(ports) if !ports.is_empty() => Some((ports.join(", "), &one.place)),
            _ => None,
        })?;
        let (ports, place) = place;
        Some(Message::new(format!("its image exposes {ports} ({place})"), format!("镜像暴露端口 {ports}（{place}）")))
    })
}

/// Compose starts another program in an image whose ports are opened for the one that serves: `worker` beside `server`.
fn beside_the_server(view: &View<'_>) -> bool {
    let composed = |one: &Workload| one.kind == WorkloadKind::ComposeService;
    let started = |one: &Workload| {
        let container = one.main_containers().next()?;
        let words = container.command.iter().chain(&container.args).flat_map(|part| part.value.iter().cloned());
        Some(words.collect::<Vec<String>>()).filter(|words| !words.is_empty())
    };
    let opens = |one: &Workload| one.main_containers().any(|container| !container.ports.is_empty());
    let same_image = |one: &Workload, other: &Workload| {
        let made = |one: &Workload| {
            let said = ["image", "build", "build.context", "build.dockerfile"];
            said.map(|key| one.body.str_at(key).map(str::to_owned))
        };
        made(one).iter().any(Option::is_some) && made(one) == made(other)
    };
    let served_beside = |one: &Workload| {
        composed(one)
            && !opens(one)
            && started(one).is_some_and(|words| {
                let mut beside = view.declared.workloads.iter().filter(|other| other.place.path() == one.place.path());
                beside.any(|other| opens(other) && same_image(one, other) && started(other).as_ref() != Some(&words))
            })
    };
    view.workloads().next().is_some() && view.workloads().all(served_beside)
}

/// A database in an image of one's own: what is added is a schema or settings, no program.
fn data_store(view: &View<'_>) -> Option<Message> {
    view.images().find_map(|image| {
        let base = image.final_base()?;
        let product = products::product(&base.value).filter(|product| product.keeps_data)?;
        Some(Message::new(
            format!(
                "its image is {} with something added, which keeps data ({}, {})",
                base.value.text, product.kind, base.place
            ),
            format!("其镜像基于 {}，会保存数据（{}，{}）", base.value.text, product.kind, base.place),
        ))
    })
}

/// Its image stands on a product that answers requests by itself.
fn data_product(view: &View<'_>) -> Option<Message> {
    view.images().find_map(|image| {
        let base = image.final_base()?;
        let product = products::product(&base.value).filter(|product| product.kind != "http" || product.site)?;
        Some(Message::new(
            format!(
                "its image is {} with something added, which serves {} ({})",
                base.value.text, product.kind, base.place
            ),
            format!("其镜像基于 {}，提供 {} 服务（{}）", base.value.text, product.kind, base.place),
        ))
    })
}

fn answers_probe(view: &View<'_>) -> Option<Message> {
    let by_http = |action: &ProbeAction| match action {
        ProbeAction::Http { .. } | ProbeAction::Grpc { .. } => true,
        ProbeAction::Tcp { .. } => false,
        ProbeAction::Exec { command } => {
            command.iter().any(|word| word.contains("http://localhost") || word.contains("http://127.0.0.1"))
        }
    };
    let found = |place: &Place| {
        Message::new(
            format!("it answers health checks over the network ({place})"),
            format!("通过网络响应健康检查（{place}）"),
        )
    };
    // In a cluster a worker answers probes too; a compose file asks only what answers anyway.
    let composed = view.workloads().filter(|workload| workload.kind == WorkloadKind::ComposeService);
    for container in composed.flat_map(Workload::main_containers) {
        for probe in [&container.readiness, &container.liveness].into_iter().flatten() {
            if by_http(&probe.action) {
                return Some(found(&probe.place));
            }
        }
    }
    view.images().find_map(|image| {
        image.effective(|one| match &one.kind {
            InstructionKind::Healthcheck(Healthcheck::Probe(probe)) if by_http(&probe.action) => {
                Some(found(&probe.place))
            }
            _ => None,
        })
    })
}

fn package_sign(view: &View<'_>, capabilities: &[Capability]) -> Option<Message> {
    if view.home_is_shared {
        return None;
    }
    for package in view.packages() {
        for capability in capabilities {
            if let Some(dependency) = package.dependencies_for(*capability).first() {
                let (en, zh) = match capability {
                    Capability::HttpServer => ("an HTTP server", "HTTP 服务器"),
                    Capability::GrpcServer => ("a gRPC server", "gRPC 服务器"),
                    Capability::Queue => ("a client of a queue", "队列客户端"),
                    Capability::Scheduler => ("a scheduler", "调度器"),
                    Capability::CommandLine => ("a reader of command lines", "命令行解析库"),
                    Capability::DeviceApp => ("a framework for apps that users install", "用户安装应用的框架"),
                    _ => ("a framework for workers", "工作进程框架"),
                };
                return Some(Message::new(
                    format!("it depends on {}, {en} ({})", dependency.name, dependency.place),
                    format!("依赖 {}，即{zh}（{}）", dependency.name, dependency.place),
                ));
            }
        }
    }
    None
}

/// An API of its own is described in its folder.
fn described(view: &View<'_>) -> Option<Message> {
    let api = view.declared.apis.iter().find(|api| {
        let own = view.candidate.folder.as_deref().filter(|folder| *folder != ".");
        match own {
            Some(folder) => paths::is_below(api.place.path(), folder),
            None => !view.home_is_shared,
        }
    })?;
    Some(Message::new(
        format!("it has a description of an API ({})", api.place),
        format!("存在 API 描述（{}）", api.place),
    ))
}

/// What the program itself shows: whether its main file opens a port.
fn by_program(view: &View<'_>) -> (Class, Message) {
    let main = programs::main_file(view);
    // A tool for the command line may wait at a port for a browser to come back.
    let name = normal(&view.candidate.name);
    let tool = view.workloads().next().is_none() && (name.ends_with("cli") || name.ends_with("ctl"));
    let port = || main.as_deref().filter(|_| !tool).and_then(|path| programs::listens(view.declared, path));
    if let Some(place) = port() {
        return (
            Class::Server,
            Message::new(format!("its program opens a port ({place})"), format!("其程序开放端口（{place}）")),
        );
    }
    if let Some(reason) = package_sign(view, &[Capability::CommandLine]) {
        return (Class::CommandLineTool, reason);
    }
    let place = main.map(Place::whole).or_else(|| view.candidate.sources.first().map(|source| source.place.clone()));
    let place = place.unwrap_or_else(|| Place::whole("."));
    let program = view.packages().find(|package| package.program);
    if !view.candidate.images.is_empty() || program.is_some() || tool {
        return (
            Class::CommandLineTool,
            Message::new(
                format!("it is a program without a port, a server package or a workload ({place})"),
                format!("该程序没有端口、服务器依赖或工作负载（{place}）"),
            ),
        );
    }
    (
        Class::Library,
        Message::new(
            format!("it has no program, container file or workload of its own ({place})"),
            format!("没有自己的程序、容器文件或工作负载（{place}）"),
        ),
    )
}
