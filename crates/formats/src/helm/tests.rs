//! Small charts, rendered by us and, where there is one, by `helm`.

#![expect(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "the oracle is another program, asked where it is installed"
)]

use std::fmt::Write as _;
use std::path::PathBuf;
use std::process::Command;
use std::sync::atomic::{AtomicU32, Ordering};

use super::*;
use crate::yaml;
use gonogo_domain::Value as Tree;

const CHART: (&str, &str) = ("Chart.yaml", "apiVersion: v2\nname: shop\nversion: 1.2.3\nappVersion: \"2.0\"\n");

type Sources<'a> = &'a [(&'a str, &'a str)];

fn files(sources: Sources<'_>, root: &str) -> BTreeMap<Arc<str>, Arc<str>> {
    let own = (!sources.iter().any(|(name, _)| *name == "Chart.yaml")).then_some(&CHART);
    own.into_iter().chain(sources).map(|(name, text)| (format!("{root}{name}").into(), (*text).into())).collect()
}

/// Renders a chart; sources whose names start with `+` are values files.
fn render(sources: Sources<'_>) -> Rendering {
    let chart = Chart::load(&files(sources, "deploy/shop/"), "deploy/shop").unwrap();
    let values = sources
        .iter()
        .filter(|(name, _)| name.starts_with('+'))
        .flat_map(|(name, text)| yaml::parse(&(*name).into(), text).documents)
        .map(|document| document.node)
        .collect();
    let options =
        Options { release_name: "rel".to_owned(), namespace: "prod".to_owned(), values, ..Options::default() };
    chart.render(&options)
}

fn written(documents: &[Node]) -> String {
    let texts: Vec<String> = documents.iter().map(yaml::to_string).collect();
    texts.join("---\n")
}

/// What `helm template` prints; `None` where there is no helm.
fn helm(sources: Sources<'_>) -> Option<Result<Vec<Node>, String>> {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    Command::new("helm").arg("version").output().ok()?;
    let name = format!("gonogo-helm-{}-{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
    let folder: PathBuf = std::env::temp_dir().join(name);
    let mut command = Command::new("helm");
    command.args(["template", "rel"]).arg(&folder).args(["--namespace", "prod"]);
    for (name, text) in files(sources, "") {
        let path = folder.join(name.trim_start_matches('+'));
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, text.as_bytes()).unwrap();
        if name.starts_with('+') {
            command.arg("--values").arg(path);
        }
    }
    let output = command.output().unwrap();
    std::fs::remove_dir_all(&folder).unwrap();
    if !output.status.success() {
        return Some(Err(String::from_utf8_lossy(&output.stderr).into_owned()));
    }
    let stream = yaml::parse(&"helm".into(), &String::from_utf8_lossy(&output.stdout));
    Some(Ok(stream.documents.into_iter().map(|document| document.node).collect()))
}

/// Renders a chart without problems to `expect`; helm agrees.
fn check(sources: Sources<'_>, expect: &str) {
    let rendering = render(sources);
    assert_eq!(rendering.problems, []);
    assert_eq!(written(&rendering.documents), expect);
    if let Some(theirs) = helm(sources) {
        let sorted = |documents: &[Node]| {
            let style = yaml::Style { sort_keys: true, indent_sequences: false };
            let mut texts: Vec<String> =
                documents.iter().map(|document| yaml::to_string_with(document, style)).collect();
            texts.sort();
            texts
        };
        assert_eq!(sorted(&rendering.documents), sorted(&theirs.unwrap()), "helm differs");
    }
}

/// Prints one expression as the text `out`; helm agrees.
fn check_expression(expression: &str, expect: &str) {
    let template = format!("out: {{{{ print ({expression}) | toJson }}}}\n");
    let values = "number: 1000000\ntext: hello\nlist: [a, b]\nmap: {b: 1, a: {x: z}}\nempty: {}\nnothing:\n";
    let sources = [("templates/out.yaml", template.as_str()), ("values.yaml", values)];
    let rendering = render(&sources);
    assert_eq!(rendering.problems, [], "{expression}");
    let shown = |documents: &[Node]| {
        documents.first().and_then(|node| node.get("out")).and_then(Node::str).map(ToOwned::to_owned)
    };
    assert_eq!(shown(&rendering.documents).as_deref().unwrap_or(""), expect, "{expression}");
    if let Some(theirs) = helm(&sources) {
        assert_eq!(shown(&theirs.unwrap()).as_deref().unwrap_or(""), expect, "helm differs: {expression}");
    }
}

/// Every line that fails, as `place: reason (template)`; helm fails too.
fn check_problems(sources: Sources<'_>, expect: &[&str]) {
    let rendering = render(sources);
    let shown: Vec<String> = rendering
        .problems
        .iter()
        .map(|problem| format!("{}: {} ({})", problem.place, problem.reason, problem.template))
        .collect();
    assert_eq!(shown, expect);
    if let Some(theirs) = helm(sources) {
        assert!(theirs.is_err(), "helm renders it");
    }
}

/// The place of every scalar, as `path text @ place`.
fn check_places(sources: Sources<'_>, expect: &[&str]) {
    fn walk(node: &Node, path: &str, out: &mut Vec<String>) {
        match &node.value {
            Tree::Mapping(entries) => {
                for entry in entries {
                    walk(&entry.node, &format!("{path}.{}", entry.key), out);
                }
            }
            Tree::Sequence(items) => items.iter().for_each(|item| walk(item, &format!("{path}[]"), out)),
            Tree::Null => out.push(format!("{path} null @ {}", node.place)),
            Tree::Scalar(scalar) => {
                let mut line = String::new();
                write!(line, "{path} {:?} @ {}", scalar.text, node.place).unwrap();
                out.push(line.replace("deploy/shop/", ""));
            }
        }
    }
    let rendering = render(sources);
    assert_eq!(rendering.problems, []);
    let mut found = Vec::new();
    for document in &rendering.documents {
        walk(document, "", &mut found);
    }
    assert_eq!(found, expect);
}

#[test]
fn a_chart_as_helm_create_writes_it() {
    let helpers = r#"
{{- define "shop.fullname" -}}
{{- if .Values.fullnameOverride }}
{{- .Values.fullnameOverride | trunc 63 | trimSuffix "-" }}
{{- else }}
{{- $name := default .Chart.Name .Values.nameOverride }}
{{- if contains $name .Release.Name }}{{ .Release.Name }}{{ else }}{{ printf "%s-%s" .Release.Name $name }}{{ end }}
{{- end }}
{{- end }}
{{- define "shop.labels" -}}
app: {{ include "shop.fullname" . }}
{{- with .Chart.AppVersion }}
version: {{ . | quote }}
{{- end }}
{{- end }}
"#;
    let deployment = r#"{{- /* the workload */ -}}
apiVersion: apps/v1
kind: Deployment
metadata:
  name: {{ include "shop.fullname" . }}
  namespace: {{ .Release.Namespace }}
  labels: {{- include "shop.labels" . | nindent 4 }}
spec:
  {{- if not .Values.autoscaling.enabled }}
  replicas: {{ .Values.replicas }}
  {{- end }}
  template:
    spec:
      containers:
        - name: {{ .Chart.Name }}
          image: "{{ .Values.image.repository }}:{{ .Values.image.tag | default .Chart.AppVersion }}"
          env:
            {{- range $key, $value := .Values.env }}
            - name: {{ $key }}
              value: {{ $value | quote }}
            {{- else }}
            []
            {{- end }}
          resources:
            {{- toYaml .Values.resources | nindent 12 }}
"#;
    let values = "replicas: 2\nautoscaling: {enabled: false}\nimage: {repository: example/shop, tag: \"\"}\nenv: {B: 1, A: x}\nresources:\n  limits:\n    memory: 1Gi\n  requests: {cpu: 1}\n";
    check(
        &[
            ("templates/_helpers.tpl", helpers),
            ("templates/deployment.yaml", deployment),
            ("templates/NOTES.txt", "{{ .Release.Name }}"),
            ("values.yaml", values),
            ("+prod.yaml", "replicas: 3\nresources: {limits: {memory: null, cpu: 2}}\n"),
        ],
        r#"apiVersion: apps/v1
kind: Deployment
metadata:
  name: rel-shop
  namespace: prod
  labels:
    app: rel-shop
    version: "2.0"
spec:
  replicas: 3
  template:
    spec:
      containers:
      - name: shop
        image: example/shop:2.0
        env:
        - name: A
          value: x
        - name: B
          value: "1"
        resources:
          limits:
            cpu: 2
          requests:
            cpu: 1
"#,
    );
}

#[test]
fn values_lead_to_the_values_file_and_text_to_the_template() {
    let helpers = "{{ define \"labels\" }}\napp: {{ .Chart.Name }}\ntier: {{ .Values.tier }}\n{{ end }}";
    let template = "name: {{ .Values.name | quote }}\nimage: {{ .Values.repo }}:{{ .Values.tag }}\nfixed: 1\nlabels: {{- include \"labels\" . | indent 2 }}\nresources:\n  {{- toYaml .Values.resources | nindent 2 }}\nscript: |\n  {{- .Values.script | nindent 2 }}\nrendered: {{ tpl .Values.template . }}\ncount: {{ int .Values.count }}\nfallback: {{ .Values.absent | default \"x\" }}\nnone: {{ .Values.absent }}\n";
    let values = "name: shop\nrepo: example/shop\ntag: v1\ntier: web\nresources:\n  limits:\n    cpu: 1\n    memory: 1Gi\nscript: |\n  echo one\ntemplate: '{{ .Release.Name }}-db'\ncount: 3\n";
    check_places(
        &[
            ("templates/_helpers.tpl", helpers),
            ("templates/x.yaml", template),
            ("values.yaml", values),
            ("+prod.yaml", "resources:\n\n  limits: {memory: 2Gi}\n"),
        ],
        &[
            ".name \"shop\" @ values.yaml:1",
            ".image \"example/shop:v1\" @ templates/x.yaml:2",
            ".fixed \"1\" @ templates/x.yaml:3",
            ".labels.app \"shop\" @ Chart.yaml:2",
            ".labels.tier \"web\" @ values.yaml:4",
            ".resources.limits.cpu \"1\" @ values.yaml:7",
            ".resources.limits.memory \"2Gi\" @ +prod.yaml:3",
            ".script \"echo one\\n\" @ values.yaml:10",
            ".rendered \"rel-db\" @ values.yaml:11",
            ".count \"3\" @ values.yaml:12",
            ".fallback \"x\" @ templates/x.yaml:11",
            ".none null @ deploy/shop/templates/x.yaml:12",
        ],
    );
}

#[test]
fn control_flow_and_variables() {
    check(
        &[
            (
                "templates/x.yaml",
                r#"{{- $sum := 0 }}
{{- range $index, $item := list 5 6 7 8 }}
{{- if eq $item 6 }}{{ continue }}{{ end }}
{{- if eq $item 8 }}{{ break }}{{ end }}
{{- $sum = add $sum $item }}
item{{ $index }}: {{ $item }}
{{- end }}
sum: {{ $sum }}
{{- with .Values.absent }}
never: {{ . }}
{{- else with .Values.map }}
with: {{ .a }} {{ $.Release.Name }}
{{- end }}
{{- range 2 }}
turn{{ . }}: {{ if . }}last{{ else if eq . 0 }}first{{ end }}
{{- end }}
{{- block "own" .Values.map }}
block: {{ .b }}
{{- end }}
{{- range .Values.nothing }}x{{ else }}
empty: true
{{- end }}
trimmed: {{ "a" -}}
    {{- "b" }}
"#,
            ),
            ("values.yaml", "map: {b: 2, a: 1}\nnothing: []\n"),
        ],
        "item0: 5\nitem2: 7\nsum: 12\nwith: 1 rel\nturn0: first\nturn1: last\nblock: 2\nempty: true\ntrimmed: ab\n",
    );
}

#[test]
fn numbers_and_texts_print_as_go_prints_them() {
    for (expression, expect) in [
        (".Values.number", "1e+06"),
        ("int .Values.number", "1000000"),
        (".Values.number | int | toString", "1000000"),
        ("toYaml .Values.number", "1000000"),
        ("printf \"%d %s %v\" 1 .Values.text .Values.number", "1 hello 1e+06"),
        ("printf \"%05.1f|%-4d|%q|%x\" 3.14159 7 \"a\" 255", "003.1|7   |\"a\"|ff"),
        (".Values.map", "map[a:map[x:z] b:1]"),
        (".Values.list", "[a b]"),
        ("add 1 \"2\" 3.9", "6"),
        ("div 7 2", "3"),
        ("round 2.345 2", "2.35"),
        ("eq .Values.text \"hello\"", "true"),
        ("and 1 0 2", "0"),
        ("or 0 \"\" 3", "3"),
        ("not .Values.empty", "true"),
        ("len .Values.map", "2"),
        ("index .Values.map \"a\" \"x\"", "z"),
        ("kindOf .Values.number", "float64"),
    ] {
        check_expression(expression, expect);
    }
}

#[test]
fn functions_of_texts_lists_and_maps() {
    for (expression, expect) in [
        ("\"a-b-c\" | replace \"-\" \"_\" | upper | trunc 3", "A_B"),
        ("list \"b\" \"a\" | sortAlpha | join \",\"", "a,b"),
        ("dict \"a\" 1 \"b\" (list 1 2) | toJson", "{\"a\":1,\"b\":[1,2]}"),
        ("merge (dict \"a\" 1) (dict \"a\" 2 \"b\" 3) | toJson", "{\"a\":1,\"b\":3}"),
        ("mergeOverwrite (dict \"a\" 1) (dict \"a\" 2) | toJson", "{\"a\":2}"),
        ("dig \"a\" \"x\" \"none\" .Values.map", "z"),
        ("ternary \"yes\" \"no\" (hasKey .Values.map \"a\")", "yes"),
        ("coalesce \"\" 0 \"x\"", "x"),
        ("snakecase \"FirstName\"", "first_name"),
        ("regexReplaceAll \"a(x*)b\" \"-ab-axxb-\" \"${1}W\"", "-W-xxW-"),
        ("splitList \",\" \"a,b\" | last", "b"),
        ("until 3", "[0 1 2]"),
        ("b64enc \"hello\" | b64dec", "hello"),
        ("sha1sum \"a\"", "86f7e437faa5a7fce15d1ddcb9eaeaea377667b8"),
        ("adler32sum \"abc\"", "38600999"),
        ("fromYaml \"a: {b: [1, yes]}\" | toJson", "{\"a\":{\"b\":[1,true]}}"),
        ("toYaml .Values.map", "a:\n  x: z\nb: 1"),
        ("semverCompare \">=1.19-0\" \"v1.20.3-gke.1\"", "true"),
        ("semverCompare \">=1.19\" \"v1.20.3-gke.1\"", "false"),
        (".Capabilities.APIVersions.Has \"batch/v1\"", "true"),
        ("lookup \"v1\" \"Pod\" \"a\" \"b\"", "map[]"),
        ("urlParse \"http://h:80/p?q=1\" | values | sortAlpha | join \"|\"", "|||/p|h|h:80|http|q=1"),
        ("dateInZone \"2006-01-02\" 0 \"UTC\"", "1970-01-01"),
        ("tpl \"{{ .Values.text }}!\" .", "hello!"),
    ] {
        check_expression(expression, expect);
    }
}

#[test]
fn subcharts_get_their_own_values_and_the_globals() {
    let show = "name: {{ .Template.Name }}\nvalues: {{ toJson .Values }}\nchart: {{ .Chart.Name }} {{ .Chart.Version }}\nlib: {{ include \"lib.name\" . }}\n";
    check(
        &[
            (
                "Chart.yaml",
                "apiVersion: v2\nname: shop\nversion: 1.2.3\ndependencies:\n- {name: db, version: 1.x.x, condition: db.enabled, import-values: [data]}\n- {name: db, version: '>=1', alias: replica, condition: replica.enabled}\n- {name: cache, version: '*', tags: [fast]}\n- {name: lib, version: '*'}\n",
            ),
            ("values.yaml", "global: {region: eu}\ndb: {size: 2}\nreplica: {enabled: true}\ntags: {fast: false}\n"),
            ("templates/show.yaml", show),
            ("charts/db/Chart.yaml", "apiVersion: v2\nname: db\nversion: 1.0.0\n"),
            ("charts/db/values.yaml", "size: 1\nkeep: x\nexports: {data: {imported: 1}}\n"),
            ("charts/db/templates/show.yaml", show),
            ("charts/cache/Chart.yaml", "apiVersion: v2\nname: cache\nversion: 1.0.0\n"),
            ("charts/cache/templates/show.yaml", show),
            ("charts/lib/Chart.yaml", "apiVersion: v2\nname: lib\nversion: 1.0.0\ntype: library\n"),
            ("charts/lib/templates/_lib.tpl", "{{ define \"lib.name\" }}lib-{{ .Chart.Name }}{{ end }}"),
            ("charts/lib/templates/not-rendered.yaml", "a: 1"),
            ("+prod.yaml", "replica: {keep: null}\n"),
        ],
        r"name: shop/charts/db/templates/show.yaml
values:
  exports:
    data:
      imported: 1
  global:
    region: eu
  keep: x
  size: 2
chart: db 1.0.0
lib: lib-db
---
name: shop/charts/replica/templates/show.yaml
values:
  enabled: true
  exports:
    data:
      imported: 1
  global:
    region: eu
  size: 1
chart: replica 1.0.0
lib: lib-replica
---
name: shop/templates/show.yaml
values:
  db:
    exports:
      data:
        imported: 1
    global:
      region: eu
    keep: x
    size: 2
  global:
    region: eu
  imported: 1
  lib:
    global:
      region: eu
  replica:
    enabled: true
    exports:
      data:
        imported: 1
    global:
      region: eu
    size: 1
  tags:
    fast: false
chart: shop 1.2.3
lib: lib-shop
",
    );
}

#[test]
fn files_of_the_chart() {
    check(
        &[
            ("config/a.conf", "one\ntwo\n"),
            ("config/b.conf", "b"),
            ("secret.tmp", "ignored"),
            (".helmignore", "# editors\n*.tmp\n"),
            (
                "templates/x.yaml",
                "all:\n  {{- (.Files.Glob \"config/*\").AsConfig | nindent 2 }}\nsecret: {{ .Files.Get \"secret.tmp\" | quote }}\nlines: {{ .Files.Lines \"config/a.conf\" | len }}\n",
            ),
        ],
        "all:\n  a.conf: |\n    one\n    two\n  b.conf: b\nsecret: \"\"\nlines: 2\n",
    );
}

#[test]
fn a_template_that_fails_leaves_the_others() {
    let sources = [
        ("templates/_helpers.tpl", "{{ define \"inner\" }}\n{{ .Values.a.b.c }}\n{{ end }}"),
        ("templates/bad.yaml", "x: {{ include \"inner\" . }}\n"),
        ("templates/fail.yaml", "\n{{ fail \"no\" }}\n"),
        ("templates/good.yaml", "ok: 1\n"),
        ("templates/required.yaml", "x: {{ required \"give a name\" .Values.name }}\n"),
        ("templates/syntax.yaml", "a: 1\nx: {{ nosuch 1 }}\n"),
        ("templates/text.yaml", "a: [1\nb: 2\n"),
        ("values.yaml", "a: {}\n"),
    ];
    check_problems(
        &sources,
        &[
            "deploy/shop/templates/syntax.yaml:2: function \"nosuch\" not defined (deploy/shop/templates/syntax.yaml)",
            "deploy/shop/templates/required.yaml:1: required: give a name (deploy/shop/templates/required.yaml)",
            "deploy/shop/templates/fail.yaml:2: fail: no (deploy/shop/templates/fail.yaml)",
            "deploy/shop/templates/_helpers.tpl:2: nil pointer evaluating interface {}.c (deploy/shop/templates/bad.yaml)",
            "deploy/shop/templates/text.yaml:2: the rendered text is no YAML: illegal placement of ':' indicator (deploy/shop/templates/text.yaml)",
        ],
    );
    assert_eq!(written(&render(&sources).documents), "ok: 1\n");
}

#[test]
fn go_never_converts_types() {
    for action in [
        "eq .Values.number 1",
        "until .Values.number",
        "upper .Values.number",
        "until (add 1 2)",
        "index .Values.number 0",
    ] {
        let template = format!("x: {{{{ {action} }}}}\n");
        let sources = [("templates/x.yaml", template.as_str()), ("values.yaml", "number: 1\n")];
        assert_eq!(render(&sources).problems.len(), 1, "{action}");
        if let Some(theirs) = helm(&sources) {
            assert!(theirs.is_err(), "helm renders {action}");
        }
    }
}

#[test]
fn a_dependency_that_is_not_there_is_a_problem_only_if_it_is_wanted() {
    let chart = "apiVersion: v2\nname: shop\nversion: 1.0.0\ndependencies:\n- name: db\n  version: 1.0.0\n  condition: db.enabled\n- name: cache\n  version: 1.0.0\n  condition: cache.enabled\n";
    check_problems(
        &[("Chart.yaml", chart), ("values.yaml", "cache: {enabled: false}\n"), ("charts/db-1.0.0.tgz", "")],
        &[
            "deploy/shop/Chart.yaml:5: dependency \"db\" is not in the charts/ folder, so nothing is known of it (deploy/shop/Chart.yaml)",
        ],
    );
}

#[test]
fn hostile_templates_end() {
    for template in [
        "{{ define \"a\" }}{{ include \"a\" . }}{{ end }}{{ include \"a\" . }}",
        "{{ range until 100000 }}{{ range until 100000 }}{{ end }}{{ end }}",
        "{{ until 9223372036854775807 }}",
        "{{ range 9223372036854775807 }}{{ end }}",
        "{{ repeat 1000000000 \"xxxxxxxxxx\" }}",
        "{{ $x := \"x\" }}{{ range until 60 }}{{ $x = printf \"%s%s\" $x $x }}{{ end }}",
        "{{ $x := list }}{{ range until 100000 }}{{ $x = list $x }}{{ end }}{{ $x }}",
        "{{ $d := dict }}{{ $_ := set $d \"d\" $d }}{{ toYaml $d }}",
        "{{ $d := dict }}{{ $_ := set $d \"d\" $d }}{{ $d }}",
        "{{ $d := dict }}{{ $_ := set $d \"d\" $d }}{{ deepCopy $d }}",
        "{{ $d := dict }}{{ range until 1000000 }}{{ $e := dict }}{{ $_ := set $d \"x\" $e }}{{ $d = $e }}{{ end }}{{ fail \"end\" }}",
        "{{ $t := \"{{ tpl .t . }}\" }}{{ tpl $t (dict \"t\" $t) }}",
        "{{ printf \"%999999999d\" 1 }}",
        "{{ indent 1000000000 \"x\" }}",
        "{{ regexMatch \"(((a{1000}){1000}){1000})\" \"a\" }}",
        "{{ range until 3000 }}{{ toYaml $.Values }}{{ repeat 10000 \"y\" }}{{ end }}",
    ] {
        let rendering = render(&[("templates/x.yaml", template), ("values.yaml", "a: 1\n")]);
        assert!(!rendering.problems.is_empty(), "{template}");
    }
    let deep = "{{ (".repeat(10_000);
    let blocks = "{{ if 1 }}".repeat(10_000);
    for template in [deep, blocks, "{{ $".to_owned(), "{{".to_owned(), "{{- ".to_owned(), "{{/*".to_owned()] {
        assert_eq!(render(&[("templates/x.yaml", &template)]).problems.len(), 1);
    }
}

#[test]
fn every_function_has_one_name() {
    let mut names: Vec<&str> = functions::names().collect();
    let count = names.len();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), count);
    assert!(names.iter().all(|name| functions::find(name).is_some_and(|function| function.name == *name)));
}
