//! Any kustomization ends; what it builds leads to a file that it was given.
#![no_main]

use std::{collections::BTreeMap, sync::Arc};

use gonogo_domain::Node;
use gonogo_formats::{
    kustomize::{self, Files, Unread},
    yaml,
};

/// `kustomization.yaml`, `resource.yaml`, `base/kustomization.yaml` and `base/resource.yaml`, in this order.
struct Memory<'a>(BTreeMap<&'static str, &'a str>);

impl Files for Memory<'_> {
    fn parse(&self, path: &str) -> Result<Arc<Vec<Arc<Node>>>, Unread> {
        let Some(text) = self.0.get(path) else { return Err(Unread::Missing) };
        let stream = yaml::parse(&path.into(), text);
        Ok(Arc::new(stream.documents.into_iter().map(|document| Arc::new(document.node)).collect()))
    }

    fn text(&self, path: &str) -> Option<Arc<str>> {
        self.0.get(path).map(|text| (*text).into())
    }

    fn is_directory(&self, path: &str) -> bool {
        matches!(path, "." | "base")
    }
}

libfuzzer_sys::fuzz_target!(|text: &str| {
    let names = ["kustomization.yaml", "resource.yaml", "base/kustomization.yaml", "base/resource.yaml"];
    let files = Memory(names.into_iter().zip(text.split('\0')).collect());
    let _ = kustomize::roots(&files, [".", "base"]);
    let built = kustomize::build(&files, ".");
    for object in &built.objects {
        object.walk(&mut |node| {
            let path = node.place.path();
            assert!(files.0.contains_key(path) || files.is_directory(path), "{path}");
        });
    }
});
