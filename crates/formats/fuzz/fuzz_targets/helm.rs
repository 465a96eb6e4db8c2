//! Any template ends, whatever it says; what it prints leads to a file of the chart.
#![no_main]

use std::collections::BTreeMap;

use gonogo_formats::helm::{Chart, Options};

const VALUES: &str = "a: 1\nb: {c: [x, y], d: null}\ntext: |\n  {{ .Release.Name }}\n  two\n";

libfuzzer_sys::fuzz_target!(|text: &str| {
    let (template, helpers) = text.split_once('\0').unwrap_or((text, ""));
    let files = BTreeMap::from([
        ("Chart.yaml".into(), "apiVersion: v2\nname: fuzz\nversion: 1.0.0\n".into()),
        ("values.yaml".into(), VALUES.into()),
        ("templates/_helpers.tpl".into(), helpers.into()),
        ("templates/x.yaml".into(), template.into()),
    ]);
    let Ok(chart) = Chart::load(&files, ".") else { panic!("the chart itself is fine") };
    let rendering = chart.render(&Options::default());
    for document in &rendering.documents {
        document.walk(&mut |node| assert!(files.contains_key(node.place.path()), "{:?}", node.place));
    }
    for problem in &rendering.problems {
        assert!(problem.reason != "the renderer stopped", "{text:?}");
    }
});
