//! Whole builds, asserted and, where kubectl is on the path, compared with what it builds from the same files.

#![expect(clippy::disallowed_methods, reason = "the oracle is another program, asked where it is installed")]

use std::{env, fs, process, sync::Arc};

use super::{super::build, Memory, by_identity, differences, documents, kubectl};

const WEB: &str = r#"apiVersion: apps/v1
kind: Deployment
metadata:
  name: web
  labels: {app: web}
spec:
  selector:
    matchLabels: {app: web}
  template:
    metadata:
      labels: {app: web}
    spec:
      serviceAccountName: web
      initContainers:
      - name: wait
        image: registry.example:5000/tools/wait:1
      containers:
      - name: web
        image: example/web:1.0
        ports:
        - containerPort: 53
          protocol: TCP
        - containerPort: 53
          protocol: UDP
        env:
        - name: LEVEL
          value: info
        - name: OLD
          value: "1"
        envFrom:
        - configMapRef: {name: settings}
        volumeMounts:
        - mountPath: /data
          name: data
      tolerations:
      - key: a
        operator: Exists
      volumes:
      - name: data
        persistentVolumeClaim: {claimName: data}
"#;

fn check(files: &[(&str, &str)], directory: &str, expected: &str) {
    let ours = build(&Memory::new(files), directory);
    let problems: Vec<_> =
        ours.problems.iter().map(|problem| format!("{}: {}", problem.place, problem.reason)).collect();
    assert_eq!(problems, Vec::<String>::new());
    let expected = documents("expected", expected).expect("the expectation is YAML");
    let expected = by_identity(expected.iter().map(Arc::as_ref));
    let found = differences(&by_identity(ours.objects.iter().map(Arc::as_ref)), &expected);
    assert!(found.is_empty(), "{}", found.join("\n"));

    let line = files.iter().map(|(path, text)| path.len() + text.len()).sum::<usize>();
    let root = env::temp_dir().join(format!("gonogo-kustomize-{}-{line}", process::id()));
    for (path, text) in files {
        let path = root.join(path);
        fs::create_dir_all(path.parent().expect("inside the root")).expect("a directory");
        fs::write(path, text).expect("a file");
    }
    let theirs = kubectl(&root.join(directory));
    fs::remove_dir_all(&root).expect("the files were there");
    if let Some(theirs) = theirs {
        let found = differences(&expected, &theirs);
        assert!(found.is_empty(), "kubectl disagrees: {}", found.join("\n"));
    }
}

#[test]
fn overlays_change_namespace_names_labels_images_and_replicas() {
    check(
        &[
            (
                "base/kustomization.yaml",
                r#"resources: [web.yaml, rest.yaml]
configMapGenerator:
- name: settings
  literals: [LEVEL=debug, 'QUOTED="a<b>&c"']
secretGenerator:
- name: token
  envs: [token.env]
  type: Opaque
"#,
            ),
            (
                "base/token.env",
                r"# comment
TOKEN=abc
EMPTY=
",
            ),
            ("base/web.yaml", WEB),
            (
                "base/rest.yaml",
                r"apiVersion: v1
kind: Service
metadata: {name: web}
spec:
  selector: {app: web}
  ports: [{port: 80}]
---
apiVersion: v1
kind: ServiceAccount
metadata: {name: web}
---
apiVersion: v1
kind: PersistentVolumeClaim
metadata: {name: data}
spec: {accessModes: [ReadWriteOnce]}
---
apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata: {name: web}
spec:
  scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: web}
  maxReplicas: 3
---
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata: {name: web}
spec:
  tls: [{secretName: token}]
  defaultBackend: {service: {name: web, port: {number: 80}}}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata: {name: reader}
rules: []
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata: {name: reader}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: reader}
subjects:
- {kind: ServiceAccount, name: web, namespace: default}
- {kind: ServiceAccount, name: default, namespace: default}
---
apiVersion: example.org/v1
kind: Job
metadata: {name: custom}
spec:
  steps:
  - containers: [{name: a, image: 'example/web@sha256:0123'}]
---
apiVersion: v1
kind: Namespace
metadata: {name: shop}
",
            ),
            (
                "over/kustomization.yaml",
                r#"resources: [../base]
namespace: live
namePrefix: p-
nameSuffix: -s
commonLabels: {team: shop}
labels:
- pairs: {tier: front}
- pairs: {in: templates}
  includeTemplates: true
commonAnnotations: {owner: "7"}
images:
- name: example/web
  newName: mirror/web
  newTag: "2.0"
- name: registry.example:5000/tools/wait
  digest: sha256:abcd
replicas:
- {name: web, count: 4}
"#,
            ),
        ],
        "over",
        r#"apiVersion: v1
kind: Namespace
metadata:
  annotations:
    owner: "7"
  labels:
    in: templates
    team: shop
    tier: front
  name: live
---
apiVersion: v1
kind: ServiceAccount
metadata:
  annotations:
    owner: "7"
  labels:
    in: templates
    team: shop
    tier: front
  name: p-web-s
  namespace: live
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata:
  annotations:
    owner: "7"
  labels:
    in: templates
    team: shop
    tier: front
  name: p-reader-s
rules: []
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata:
  annotations:
    owner: "7"
  labels:
    in: templates
    team: shop
    tier: front
  name: p-reader-s
roleRef:
  apiGroup: rbac.authorization.k8s.io
  kind: ClusterRole
  name: p-reader-s
subjects:
- kind: ServiceAccount
  name: p-web-s
  namespace: live
- kind: ServiceAccount
  name: default
  namespace: live
---
apiVersion: v1
data:
  LEVEL: debug
  QUOTED: a<b>&c
kind: ConfigMap
metadata:
  annotations:
    owner: "7"
  labels:
    in: templates
    team: shop
    tier: front
  name: p-settings-s-kfg7t8k79f
  namespace: live
---
apiVersion: v1
data:
  EMPTY: ""
  TOKEN: YWJj
kind: Secret
metadata:
  annotations:
    owner: "7"
  labels:
    in: templates
    team: shop
    tier: front
  name: p-token-s-g68dcbgk7h
  namespace: live
type: Opaque
---
apiVersion: v1
kind: Service
metadata:
  annotations:
    owner: "7"
  labels:
    in: templates
    team: shop
    tier: front
  name: p-web-s
  namespace: live
spec:
  ports:
  - port: 80
  selector:
    app: web
    team: shop
---
apiVersion: v1
kind: PersistentVolumeClaim
metadata:
  annotations:
    owner: "7"
  labels:
    in: templates
    team: shop
    tier: front
  name: p-data-s
  namespace: live
spec:
  accessModes:
  - ReadWriteOnce
---
apiVersion: apps/v1
kind: Deployment
metadata:
  annotations:
    owner: "7"
  labels:
    app: web
    in: templates
    team: shop
    tier: front
  name: p-web-s
  namespace: live
spec:
  replicas: 4
  selector:
    matchLabels:
      app: web
      team: shop
  template:
    metadata:
      annotations:
        owner: "7"
      labels:
        app: web
        in: templates
        team: shop
    spec:
      containers:
      - env:
        - name: LEVEL
          value: info
        - name: OLD
          value: "1"
        envFrom:
        - configMapRef:
            name: p-settings-s-kfg7t8k79f
        image: mirror/web:2.0
        name: web
        ports:
        - containerPort: 53
          protocol: TCP
        - containerPort: 53
          protocol: UDP
        volumeMounts:
        - mountPath: /data
          name: data
      initContainers:
      - image: registry.example:5000/tools/wait@sha256:abcd
        name: wait
      serviceAccountName: p-web-s
      tolerations:
      - key: a
        operator: Exists
      volumes:
      - name: data
        persistentVolumeClaim:
          claimName: p-data-s
---
apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata:
  annotations:
    owner: "7"
  labels:
    in: templates
    team: shop
    tier: front
  name: p-web-s
  namespace: live
spec:
  maxReplicas: 3
  scaleTargetRef:
    apiVersion: apps/v1
    kind: Deployment
    name: p-web-s
---
apiVersion: example.org/v1
kind: Job
metadata:
  annotations:
    owner: "7"
  labels:
    in: templates
    team: shop
    tier: front
  name: p-custom-s
  namespace: live
spec:
  steps:
  - containers:
    - image: mirror/web:2.0
      name: a
---
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata:
  annotations:
    owner: "7"
  labels:
    in: templates
    team: shop
    tier: front
  name: p-web-s
  namespace: live
spec:
  defaultBackend:
    service:
      name: p-web-s
      port:
        number: 80
  tls:
  - secretName: p-token-s-g68dcbgk7h
"#,
    );
}

#[test]
fn strategic_merges_join_lists_by_their_keys() {
    check(
        &[
            (
                "base/kustomization.yaml",
                r"resources: [web.yaml, more.yaml]
",
            ),
            ("base/web.yaml", WEB),
            (
                "base/more.yaml",
                r"apiVersion: v1
kind: Service
metadata: {name: web}
spec:
  ports: [{port: 80, name: http}, {port: 81, name: admin}]
---
apiVersion: example.org/v1
kind: Thing
metadata: {name: thing}
spec:
  list: [{name: a, x: 1}, {name: b}]
  map: {keep: 1, drop: 2}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: gone}
",
            ),
            (
                "over/kustomization.yaml",
                r#"resources: [../base]
patchesStrategicMerge:
- |-
  apiVersion: v1
  kind: ConfigMap
  metadata: {name: gone}
  $patch: delete
- merge.yaml
patches:
- path: tolerate.yaml
  target: {kind: Deploy.*, labelSelector: "app in (web, other),!legacy"}
"#,
            ),
            (
                "over/merge.yaml",
                r"apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  strategy: {type: Recreate}
  template:
    spec:
      serviceAccountName: null
      containers:
      - name: sidecar
        image: example/sidecar
      - name: web
        ports:
        - containerPort: 53
          protocol: UDP
          name: dns
        env:
        - name: NEW
          value: x
        - name: OLD
          $patch: delete
        - name: LEVEL
          value: debug
        envFrom: []
        volumeMounts:
        - mountPath: /data
          readOnly: true
      initContainers:
      - $patch: replace
      - name: other
        image: other
---
apiVersion: v1
kind: Service
metadata: {name: web}
spec:
  ports: [{port: 80, targetPort: 8080}]
---
apiVersion: example.org/v1
kind: Thing
metadata: {name: thing}
spec:
  list: [{name: a, y: 2}]
  map: {drop: null, new: 3}
",
            ),
            (
                "over/tolerate.yaml",
                r"kind: Any
metadata: {name: any}
spec:
  template:
    spec:
      tolerations: [{key: b}]
",
            ),
        ],
        "over",
        r#"apiVersion: v1
kind: Service
metadata:
  name: web
spec:
  ports:
  - name: http
    port: 80
    targetPort: 8080
  - name: admin
    port: 81
---
apiVersion: apps/v1
kind: Deployment
metadata:
  labels:
    app: web
  name: web
spec:
  selector:
    matchLabels:
      app: web
  strategy:
    type: Recreate
  template:
    metadata:
      labels:
        app: web
    spec:
      containers:
      - image: example/sidecar
        name: sidecar
      - env:
        - name: NEW
          value: x
        - name: LEVEL
          value: debug
        envFrom: []
        image: example/web:1.0
        name: web
        ports:
        - containerPort: 53
          protocol: TCP
        - containerPort: 53
          name: dns
          protocol: UDP
        volumeMounts:
        - mountPath: /data
          name: data
          readOnly: true
      initContainers:
      - image: other
        name: other
      tolerations:
      - key: b
      volumes:
      - name: data
        persistentVolumeClaim:
          claimName: data
---
apiVersion: example.org/v1
kind: Thing
metadata:
  name: thing
spec:
  list:
  - name: a
    "y": 2
  map:
    keep: 1
    new: 3
"#,
    );
}

#[test]
fn json_patches_find_their_targets_by_pattern() {
    check(
        &[
            (
                "kustomization.yaml",
                r#"resources: [web.yaml, other.yaml]
patches:
- target: {kind: Deployment, name: we.}
  patch: |-
    - op: replace
      path: /spec/template/spec/containers/0/image
      value: new:1
    - op: add
      path: /spec/template/spec/containers/0/env/-
      value: {name: LAST, value: "1"}
    - op: add
      path: /spec/template/spec/containers/0/env/0
      value: {name: FIRST, value: "0"}
    - op: remove
      path: /spec/template/spec/tolerations
    - op: test
      path: /spec/template/spec/containers/0/name
      value: web
    - op: copy
      from: /metadata/labels/app
      path: /metadata/annotations/copied~1app
    - op: move
      from: /spec/template/spec/volumes/0/name
      path: /metadata/annotations/moved
    - op: replace
      path: /spec/replicas
      value: 2
- target: {version: v1, kind: ConfigMap, annotationSelector: touch=yes}
  path: patch.json
patchesJson6902:
- target: {group: apps, version: v1, kind: Deployment, name: web}
  patch: '[{"op": "add", "path": "/metadata/labels/json", "value": "true"}]'
"#,
            ),
            (
                "patch.json",
                r#"[{"op": "replace", "path": "/data/a", "value": "2"}]
"#,
            ),
            ("web.yaml", WEB),
            (
                "other.yaml",
                r#"apiVersion: v1
kind: ConfigMap
metadata: {name: touched, annotations: {touch: "yes"}}
data: {a: "1"}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: left}
data: {a: "1"}
"#,
            ),
        ],
        ".",
        r#"apiVersion: v1
data:
  a: "1"
kind: ConfigMap
metadata:
  name: left
---
apiVersion: v1
data:
  a: "2"
kind: ConfigMap
metadata:
  annotations:
    touch: "yes"
  name: touched
---
apiVersion: apps/v1
kind: Deployment
metadata:
  annotations:
    copied/app: web
    moved: data
  labels:
    app: web
    json: "true"
  name: web
spec:
  replicas: 2
  selector:
    matchLabels:
      app: web
  template:
    metadata:
      labels:
        app: web
    spec:
      containers:
      - env:
        - name: FIRST
          value: "0"
        - name: LEVEL
          value: info
        - name: OLD
          value: "1"
        - name: LAST
          value: "1"
        envFrom:
        - configMapRef:
            name: settings
        image: new:1
        name: web
        ports:
        - containerPort: 53
          protocol: TCP
        - containerPort: 53
          protocol: UDP
        volumeMounts:
        - mountPath: /data
          name: data
      initContainers:
      - image: registry.example:5000/tools/wait:1
        name: wait
      serviceAccountName: web
      volumes:
      - persistentVolumeClaim:
          claimName: data
"#,
    );
}

#[test]
fn components_work_on_what_the_parent_gathered() {
    check(
        &[
            (
                "base/kustomization.yaml",
                r"resources: [web.yaml]
",
            ),
            ("base/web.yaml", WEB),
            (
                "parts/extra/kustomization.yaml",
                r"apiVersion: kustomize.config.k8s.io/v1alpha1
kind: Component
resources: [extra.yaml]
patches:
- patch: |-
    apiVersion: apps/v1
    kind: Deployment
    metadata: {name: web}
    spec: {replicas: 9}
",
            ),
            (
                "parts/extra/extra.yaml",
                r"apiVersion: v1
kind: List
items:
- {apiVersion: v1, kind: ConfigMap, metadata: {name: extra}}
- {apiVersion: v1, kind: Secret, metadata: {name: extra}}
",
            ),
            (
                "over/kustomization.yml",
                r"kind: Kustomization
resources: [../base]
components: [../parts/extra]
namePrefix: x-
",
            ),
        ],
        "over",
        r#"apiVersion: v1
kind: ConfigMap
metadata:
  name: x-extra
---
apiVersion: v1
kind: Secret
metadata:
  name: x-extra
---
apiVersion: apps/v1
kind: Deployment
metadata:
  labels:
    app: web
  name: x-web
spec:
  replicas: 9
  selector:
    matchLabels:
      app: web
  template:
    metadata:
      labels:
        app: web
    spec:
      containers:
      - env:
        - name: LEVEL
          value: info
        - name: OLD
          value: "1"
        envFrom:
        - configMapRef:
            name: settings
        image: example/web:1.0
        name: web
        ports:
        - containerPort: 53
          protocol: TCP
        - containerPort: 53
          protocol: UDP
        volumeMounts:
        - mountPath: /data
          name: data
      initContainers:
      - image: registry.example:5000/tools/wait:1
        name: wait
      serviceAccountName: web
      tolerations:
      - key: a
        operator: Exists
      volumes:
      - name: data
        persistentVolumeClaim:
          claimName: data
"#,
    );
}

#[test]
fn generators_create_merge_and_replace() {
    check(
        &[
            (
                "base/kustomization.yaml",
                r"generatorOptions: {labels: {from: base}}
configMapGenerator:
- {name: one, literals: [a=1, b=2]}
- {name: two, literals: [a=1], options: {disableNameSuffixHash: true, immutable: true}}
- {name: three, literals: [a=1]}
secretGenerator:
- name: keys
  files: [key.txt, renamed=key.txt]
",
            ),
            (
                "base/key.txt",
                r"line
next
",
            ),
            (
                "over/kustomization.yaml",
                r"resources: [../base, pod.yaml]
configMapGenerator:
- {name: one, behavior: merge, literals: [b=3, c=4]}
- {name: three, behavior: replace, literals: [z=9]}
- {name: empty, namespace: far}
",
            ),
            (
                "over/pod.yaml",
                r"apiVersion: v1
kind: Pod
metadata: {name: pod}
spec:
  containers:
  - name: a
    envFrom: [{configMapRef: {name: one}}, {configMapRef: {name: unknown}}]
    env:
    - name: KEY
      valueFrom: {secretKeyRef: {name: keys, key: renamed}}
  volumes:
  - name: v
    projected: {sources: [{configMap: {name: three}}, {secret: {name: keys}}]}
",
            ),
        ],
        "over",
        r#"apiVersion: v1
kind: ConfigMap
metadata:
  name: empty-6ct58987ht
  namespace: far
---
apiVersion: v1
data:
  a: "1"
  b: "3"
  c: "4"
kind: ConfigMap
metadata:
  labels:
    from: base
  name: one-fbcmkbc66h
---
apiVersion: v1
data:
  z: "9"
kind: ConfigMap
metadata:
  labels:
    from: base
  name: three-k765b4dhgf
---
apiVersion: v1
data:
  a: "1"
immutable: true
kind: ConfigMap
metadata:
  labels:
    from: base
  name: two
---
apiVersion: v1
data:
  key.txt: bGluZQpuZXh0Cg==
  renamed: bGluZQpuZXh0Cg==
kind: Secret
metadata:
  labels:
    from: base
  name: keys-g7d25fbdcg
type: Opaque
---
apiVersion: v1
kind: Pod
metadata:
  name: pod
spec:
  containers:
  - env:
    - name: KEY
      valueFrom:
        secretKeyRef:
          key: renamed
          name: keys-g7d25fbdcg
    envFrom:
    - configMapRef:
        name: one-fbcmkbc66h
    - configMapRef:
        name: unknown
    name: a
  volumes:
  - name: v
    projected:
      sources:
      - configMap:
          name: three-k765b4dhgf
      - secret:
          name: keys-g7d25fbdcg
"#,
    );
}

#[test]
fn replacements_and_variables_copy_values() {
    check(
        &[
            (
                "kustomization.yaml",
                r#"resources: [all.yaml]
namePrefix: n-
replacements:
- source: {kind: Service, name: web, fieldPath: spec.ports.0.port}
  targets:
  - select: {kind: ConfigMap}
    reject: [{name: other}]
    fieldPaths: [data.port]
  - select: {kind: Pod, name: pod}
    fieldPaths: ["spec.containers.[name=a].env.[name=PORT].value", "metadata.annotations.[example.org/port]"]
    options: {create: true}
- path: more.yaml
vars:
- name: WEB
  objref: {kind: Service, name: web, apiVersion: v1}
- name: PORT
  objref: {kind: Service, name: web, apiVersion: v1}
  fieldref: {fieldpath: 'spec.ports[0].port'}
"#,
            ),
            (
                "more.yaml",
                r"- source: {kind: Service, name: web, fieldPath: spec.host, options: {delimiter: ., index: 0}}
  targets:
  - select: {kind: Pod}
    fieldPaths: [spec.containers.*.image]
    options: {delimiter: /, index: 1}
",
            ),
            (
                "all.yaml",
                r#"apiVersion: v1
kind: Service
metadata: {name: web}
spec: {host: cart.shop, ports: [{port: 8080}]}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: conf}
data: {port: "0"}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: other}
data: {port: "0"}
---
apiVersion: v1
kind: Pod
metadata: {name: pod}
spec:
  containers:
  - name: a
    image: registry/name:1
    args: ["--to=$(WEB):$(PORT)", "$(UNKNOWN)", "$$(WEB)"]
"#,
            ),
        ],
        ".",
        r#"apiVersion: v1
data:
  port: "8080"
kind: ConfigMap
metadata:
  name: n-conf
---
apiVersion: v1
data:
  port: "0"
kind: ConfigMap
metadata:
  name: n-other
---
apiVersion: v1
kind: Service
metadata:
  name: n-web
spec:
  host: cart.shop
  ports:
  - port: 8080
---
apiVersion: v1
kind: Pod
metadata:
  annotations:
    example.org/port: "8080"
  name: n-pod
spec:
  containers:
  - args:
    - --to=n-web:8080
    - $(UNKNOWN)
    - $(WEB)
    env:
    - name: PORT
      value: "8080"
    image: registry/cart
    name: a
"#,
    );
}

#[test]
fn built_in_transformers_and_configurations_are_applied() {
    check(
        &[
            (
                "kustomization.yaml",
                r"resources: [all.yaml]
namePrefix: n-
transformers: [labels.yaml]
configurations: [names.yaml]
commonLabels: {a: b}
",
            ),
            (
                "labels.yaml",
                r"apiVersion: builtin
kind: LabelTransformer
metadata: {name: labels}
labels: {environment: dev}
fieldSpecs:
- {path: metadata/labels, create: true}
- {path: spec/where, kind: Thing, create: true}
",
            ),
            (
                "names.yaml",
                r"nameReference:
- kind: ConfigMap
  fieldSpecs:
  - {path: spec/config/name, kind: Thing}
commonLabels:
- {path: spec/select, kind: Thing, create: true}
",
            ),
            (
                "all.yaml",
                r#"apiVersion: example.org/v1
kind: Thing
metadata: {name: thing}
spec: {config: {name: conf}}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: conf}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: local, annotations: {config.kubernetes.io/local-config: "true"}}
"#,
            ),
        ],
        ".",
        r"apiVersion: v1
kind: ConfigMap
metadata:
  labels:
    a: b
    environment: dev
  name: n-conf
---
apiVersion: example.org/v1
kind: Thing
metadata:
  labels:
    a: b
    environment: dev
  name: n-thing
spec:
  config:
    name: n-conf
  select:
    a: b
  where:
    environment: dev
",
    );
}
