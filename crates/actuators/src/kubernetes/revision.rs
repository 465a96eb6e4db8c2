//! What a pod template runs, as a revision: its images, or the name that was given to exactly these images and this
//! configuration.

use std::collections::BTreeMap;

use gonogo_domain::rollout::{Release, Revision, Trouble, TroubleKind};
use serde_json::{Map, Value, json};
use sha2::{Digest as _, Sha256};

/// The revision that gonogo wrote a template for.
pub(super) const REVISION: &str = "gonogo.dev/revision";

/// What the template held when it was written: where it holds something else now, the revision is not believed.
const FINGERPRINT: &str = "gonogo.dev/fingerprint";

/// Hexadecimal digits of a hash that stand in a name.
const DIGITS: usize = 10;

/// The start of the hash of a text, for a name.
pub(super) fn short_hash(text: &str) -> String {
    use std::fmt::Write as _;
    let digest = Sha256::digest(text.as_bytes());
    let mut name = String::new();
    for byte in digest.iter().take(DIGITS / 2) {
        let _ = write!(name, "{byte:02x}");
    }
    name
}

fn containers(template: &Value) -> impl Iterator<Item = &Value> {
    let of = |pointer| template.pointer(pointer).and_then(Value::as_array).into_iter().flatten();
    of("/spec/containers").chain(of("/spec/initContainers"))
}

fn text<'a>(value: &'a Value, key: &str) -> &'a str {
    value.get(key).and_then(Value::as_str).unwrap_or_default()
}

/// Everything but the annotations that say what it is.
fn fingerprint(template: &Value) -> String {
    short_hash(&template.get("spec").map(canonical).unwrap_or_default())
}

/// The text of a value, the same whatever the order in which its keys came.
pub(super) fn canonical(value: &Value) -> String {
    match value {
        Value::Object(map) => {
            let sorted: BTreeMap<_, _> = map.iter().map(|(key, value)| (key, canonical(value))).collect();
            let entries: Vec<String> = sorted.into_iter().map(|(key, value)| format!("{key:?}:{value}")).collect();
            format!("{{{}}}", entries.join(","))
        }
        Value::Array(items) => format!("[{}]", items.iter().map(canonical).collect::<Vec<_>>().join(",")),
        other => other.to_string(),
    }
}

/// What a template runs. Images are named where the template does not carry a revision that fits it.
pub(super) fn of(template: &Value, container: Option<&str>) -> Revision {
    let annotation = |key: &str| {
        template.pointer("/metadata/annotations").and_then(|annotations| annotations.get(key)).and_then(Value::as_str)
    };
    if let (Some(revision), Some(print)) = (annotation(REVISION), annotation(FINGERPRINT))
        && print == fingerprint(template)
    {
        return Revision(revision.to_owned());
    }
    let images: BTreeMap<&str, &str> = template
        .pointer("/spec/containers")
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
        .filter(|one| container.is_none_or(|name| text(one, "name") == name))
        .map(|one| (text(one, "name"), text(one, "image")))
        .collect();
    match images.len() {
        1 => Revision(images.values().next().copied().unwrap_or_default().to_owned()),
        _ => Revision(images.iter().map(|(name, image)| format!("{name}={image}")).collect::<Vec<_>>().join(",")),
    }
}

/// Writes into a template what it is.
pub(super) fn sign(template: &mut Value, revision: &Revision) {
    let print = fingerprint(template);
    let Some(template) = template.as_object_mut() else { return };
    let metadata = template.entry("metadata").or_insert_with(|| json!({}));
    let Some(metadata) = metadata.as_object_mut() else { return };
    let annotations = metadata.entry("annotations").or_insert_with(|| json!({}));
    if !annotations.is_object() {
        *annotations = Value::Object(Map::new());
    }
    if let Some(annotations) = annotations.as_object_mut() {
        annotations.insert(REVISION.to_owned(), json!(revision.0));
        annotations.insert(FINGERPRINT.to_owned(), json!(print));
    }
}

/// Whether an image is named by what it holds, so that it is the same one for ever.
fn is_pinned(image: &str) -> bool {
    image.rsplit_once("@sha256:").is_some_and(|(name, digest)| {
        !name.is_empty() && digest.len() == 64 && digest.bytes().all(|byte| byte.is_ascii_hexdigit())
    })
}

/// A template with the images of a release in place of its own.
///
/// Errors: refused where an image has no digest, and where no container, or more than one, could be meant.
pub(super) fn with_release(
    template: &Value,
    release: &Release,
    container: Option<&str>,
    at: &str,
) -> Result<Value, Trouble> {
    let refused = |what: String, next: &str| Trouble::new(TroubleKind::Refused, at, what, next);
    let names: Vec<String> = containers(template).map(|one| text(one, "name").to_owned()).collect();
    let parts: BTreeMap<String, String> = if release.parts.is_empty() {
        let main: Vec<&str> = template
            .pointer("/spec/containers")
            .and_then(Value::as_array)
            .into_iter()
            .flatten()
            .map(|one| text(one, "name"))
            .collect();
        let name = match (container, main.as_slice()) {
            (Some(name), _) => name.to_owned(),
            (None, [name]) => (*name).to_owned(),
            (None, several) => {
                let what =
                    format!("it has {} containers ({}) and the release names none", several.len(), several.join(", "));
                return Err(refused(
                    what,
                    "name the container in the rollout file, or the image of each one in `parts`",
                ));
            }
        };
        BTreeMap::from([(name, release.revision.0.clone())])
    } else {
        release.parts.clone()
    };
    for (name, image) in &parts {
        if !names.contains(name) {
            let what = format!("it has no container `{name}`, only {}", names.join(", "));
            return Err(refused(what, "name one of its containers in the rollout file"));
        }
        if !is_pinned(image) {
            let what = format!("`{image}` names no digest, so that the same name may be another image tomorrow");
            return Err(refused(
                what,
                "name the image as repository@sha256:…, as the registry shows it after the push",
            ));
        }
    }
    let mut template = template.clone();
    for pointer in ["/spec/containers", "/spec/initContainers"] {
        for one in template.pointer_mut(pointer).and_then(Value::as_array_mut).into_iter().flatten() {
            if let Some(image) = parts.get(text(one, "name"))
                && let Some(one) = one.as_object_mut()
            {
                one.insert("image".to_owned(), json!(image));
            }
        }
    }
    Ok(template)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pinned(digit: char) -> String {
        format!("example.test/app@sha256:{}", String::from(digit).repeat(64))
    }

    fn template(images: &[(&str, &str)]) -> Value {
        let containers: Vec<Value> =
            images.iter().map(|(name, image)| json!({ "name": name, "image": image })).collect();
        json!({ "metadata": { "labels": { "app": "web" } }, "spec": { "containers": containers } })
    }

    fn release(revision: &str, parts: &[(&str, &str)]) -> Release {
        let parts = parts.iter().map(|(name, image)| ((*name).to_owned(), (*image).to_owned())).collect();
        Release { revision: Revision(revision.to_owned()), version: None, cause: String::new(), parts }
    }

    #[track_caller]
    fn check(images: &[(&str, &str)], release: &Release, container: Option<&str>, expect: Result<&str, &str>) {
        let found = with_release(&template(images), release, container, "deployment/web");
        let found = found.map(|template| of(&template, None).0).map_err(|trouble| trouble.what);
        match (found, expect) {
            (Ok(found), Ok(expect)) => assert_eq!(found, expect),
            (Err(found), Err(expect)) => assert!(found.contains(expect), "{found}"),
            (found, expect) => panic!("{found:?}, expected {expect:?}"),
        }
    }

    #[test]
    fn a_release_is_images_with_digests_for_containers_that_exist() {
        let (one, two) = (pinned('1'), pinned('2'));
        check(&[("app", "old")], &release(&one, &[]), None, Ok(&one));
        check(&[("app", "old")], &release("example.test/app:2", &[]), None, Err("names no digest"));
        check(&[("app", "old")], &release("example.test/app@sha256:12", &[]), None, Err("names no digest"));
        check(&[("app", "old"), ("side", "car")], &release(&one, &[]), None, Err("2 containers (app, side)"));
        check(&[("app", "old"), ("side", "car")], &release(&one, &[]), Some("app"), Ok(&format!("app={one},side=car")));
        check(&[("app", "old")], &release("v2", &[("web", &one)]), None, Err("no container `web`"));
        let both = release("v2", &[("app", &one), ("side", &two)]);
        check(&[("app", "old"), ("side", "car")], &both, None, Ok(&format!("app={one},side={two}")));
    }

    #[test]
    fn a_name_is_believed_until_the_template_is_another() {
        let mut template = template(&[("app", &pinned('1'))]);
        sign(&mut template, &Revision("v2".to_owned()));
        assert_eq!(of(&template, None).0, "v2");
        *template.pointer_mut("/spec/containers/0/image").unwrap() = json!("example.test/app:mended");
        assert_eq!(of(&template, None).0, "example.test/app:mended");
    }
}
