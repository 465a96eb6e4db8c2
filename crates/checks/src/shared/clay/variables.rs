//! CLAY_* variables: what each declaration gives them, and what backs the Secret that it names.

use gonogo_domain::{
    Evidence, Missing, Place,
    evidence::{EnvFromKind, EnvValue, Object, SettingsKind, VolumeKind},
};

/// A declaration of a variable of Clay.
#[derive(Clone, Debug)]
pub(crate) struct Variable<'a> {
    pub(crate) name: String,
    pub(crate) place: &'a Place,
    pub(crate) held: Held<'a>,
    pub(crate) environment: Option<&'a str>,
    /// A workload of production gets it.
    pub(crate) production: bool,
    /// The workload's container, where one gets it.
    pub(crate) container: Option<String>,
    /// That container is somebody else's program beside the unit's own.
    pub(crate) sidecar: bool,
}

/// What a variable is given.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Held<'a> {
    Literal(&'a str),
    Secret {
        name: &'a str,
        key: &'a str,
        optional: bool,
    },
    ConfigMap {
        name: &'a str,
        key: &'a str,
    },
    /// Filled in by something else when it starts: a host's variable, a template.
    Elsewhere,
}

/// `CLAY_API_KEY`, also with the prefix by which a bundler hands it to browsers.
pub(super) fn is_ours(name: &str) -> bool {
    let bare = PUBLIC.iter().find_map(|prefix| name.strip_prefix(prefix)).unwrap_or(name);
    bare.strip_prefix("CLAY_").is_some_and(|rest| {
        !rest.is_empty() && rest.bytes().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit() || byte == b'_')
    })
}

/// Prefixes of variables that end up in what browsers load.
const PUBLIC: &[&str] =
    &["NEXT_PUBLIC_", "VITE_", "REACT_APP_", "NUXT_PUBLIC_", "PUBLIC_", "EXPO_PUBLIC_", "GATSBY_", "VUE_APP_"];

impl Variable<'_> {
    /// It ends up in what browsers load.
    pub(crate) fn public(&self) -> bool {
        PUBLIC.iter().any(|prefix| self.name.starts_with(prefix))
    }
}

/// It gives access: a key, a token, a secret, and the webhook's URL, which is the only credential of an open webhook.
pub(crate) fn is_credential(name: &str) -> bool {
    let words: Vec<&str> = name.split('_').collect();
    is_ours(name)
        && (matches!(words.last(), Some(&("KEY" | "SECRET" | "TOKEN" | "AUTH" | "PASSWORD")))
            || words.contains(&"WEBHOOK") && matches!(words.last(), Some(&("URL" | "ID"))))
}

/// The names of variables of Clay that stand in a text.
pub(super) fn names_in(text: &str) -> impl Iterator<Item = &str> {
    text.match_indices("CLAY_").filter_map(move |(at, _)| {
        let before = text.get(..at)?;
        if before.ends_with(|letter: char| letter.is_ascii_alphanumeric() || letter == '_') {
            return None;
        }
        let rest = text.get(at..)?;
        let end = rest.find(|letter: char| !letter.is_ascii_uppercase() && !letter.is_ascii_digit() && letter != '_');
        rest.get(..end.unwrap_or(rest.len())).filter(|name| is_ours(name))
    })
}

/// Every declaration of a variable of Clay: in workloads, in what they load whole, and in environment files.
pub(crate) fn variables<'a>(evidence: &Evidence<'a>) -> Result<Vec<Variable<'a>>, Missing> {
    let objects = evidence.objects()?;
    let mut found = Vec::new();
    for workload in evidence.workloads()? {
        for container in workload.containers.iter().chain(&workload.init_containers) {
            let common = |name: &str, place: &'a Place, held| Variable {
                name: name.to_owned(),
                place,
                held,
                environment: workload.environment.as_deref(),
                production: workload.production,
                container: Some(crate::shared::container_key(workload, container)),
                sidecar: container.sidecar,
            };
            for variable in &container.env {
                let held = match &variable.value {
                    EnvValue::Literal(text) if text.contains("$(") || text.contains("${") || text.starts_with('$') => {
                        Held::Elsewhere
                    }
                    EnvValue::Literal(text) => Held::Literal(text),
                    EnvValue::Secret { name, key, optional } => Held::Secret { name, key, optional: *optional },
                    EnvValue::ConfigMap { name, key, .. } => Held::ConfigMap { name, key },
                    EnvValue::Other(_) => Held::Elsewhere,
                };
                if is_ours(&variable.name) {
                    found.push(common(&variable.name, &variable.place, held));
                }
            }
            for from in &container.env_from {
                for object in objects.iter().filter(|object| gives(object, from.kind, &from.name)) {
                    for key in keys(object).into_iter().filter(|key| is_ours(key)) {
                        let held = match from.kind {
                            EnvFromKind::ConfigMap => Held::ConfigMap { name: &from.name, key },
                            _ => Held::Secret { name: &from.name, key, optional: from.optional },
                        };
                        found.push(common(key, &from.place, held));
                    }
                }
            }
        }
    }
    for file in evidence.settings()? {
        if file.kind != SettingsKind::Environment && file.kind != SettingsKind::EnvironmentExample {
            continue;
        }
        for entry in file.body.entries().iter().filter(|entry| is_ours(&entry.key)) {
            found.push(Variable {
                name: entry.key.clone(),
                place: &entry.key_place,
                held: entry.node.str().map_or(Held::Literal(""), Held::Literal),
                environment: None,
                production: false,
                container: None,
                sidecar: false,
            });
        }
    }
    Ok(found)
}

/// The text that a container of production gets for a variable, its own or a ConfigMap's, and where it stands.
pub(crate) fn literal<'a>(evidence: &Evidence<'a>, variable: &Variable<'a>) -> Option<(&'a str, &'a Place)> {
    match variable.held {
        Held::Literal(text) => Some((text, variable.place)),
        Held::ConfigMap { name, key } => {
            let mut maps =
                evidence.objects().ok()?.iter().filter(|object| object.kind == "ConfigMap" && object.name == name);
            let node = maps.find_map(|object| object.body.get("data")?.get(key))?;
            Some((node.str()?, &node.place))
        }
        Held::Secret { .. } | Held::Elsewhere => None,
    }
}

/// A setting of Clay that a container of production gets as a text.
#[derive(Clone, Debug)]
pub(crate) struct Setting<'a> {
    pub(crate) name: String,
    pub(crate) value: &'a str,
    pub(crate) place: &'a Place,
    pub(crate) environment: Option<&'a str>,
}

impl Setting<'_> {
    /// The words between the underscores.
    pub(crate) fn says(&self, word: &str) -> bool {
        self.name.split('_').any(|own| own == word)
    }

    pub(crate) fn off(&self) -> bool {
        matches!(self.value.trim().to_ascii_lowercase().as_str(), "false" | "off" | "0" | "no" | "none" | "disabled")
    }
}

/// The settings of Clay that production gets as texts.
pub(crate) fn settings<'a>(evidence: &Evidence<'a>) -> Result<Vec<Setting<'a>>, Missing> {
    let variables = variables(evidence)?;
    let own = variables.iter().filter(|one| one.production && !is_credential(&one.name));
    Ok(own
        .filter_map(|variable| {
            let (value, place) = literal(evidence, variable)?;
            Some(Setting { name: variable.name.clone(), value, place, environment: variable.environment })
        })
        .collect())
}

fn gives(object: &Object, kind: EnvFromKind, name: &str) -> bool {
    match kind {
        EnvFromKind::ConfigMap => object.kind == "ConfigMap" && object.name == name,
        EnvFromKind::Secret => makes(object, name),
        EnvFromKind::File => false,
    }
}

/// The object is, or makes, the Secret of this name.
fn makes(object: &Object, secret: &str) -> bool {
    match object.kind.as_str() {
        "Secret" => object.name == secret,
        "SealedSecret" => object.body.str_at("spec.template.metadata.name").unwrap_or(&object.name) == secret,
        "ExternalSecret" | "ClusterExternalSecret" => {
            let own = object.body.str_at("spec.externalSecretName").unwrap_or(&object.name);
            target(object).unwrap_or(own) == secret
        }
        "SecretProviderClass" => {
            object.body.list("spec.secretObjects").iter().any(|one| one.str_at("secretName") == Some(secret))
        }
        "VaultStaticSecret" | "VaultDynamicSecret" | "InfisicalSecret" | "OnePasswordItem" => {
            object.body.str_at("spec.destination.name").unwrap_or(&object.name) == secret
        }
        _ => false,
    }
}

fn target(object: &Object) -> Option<&str> {
    object.body.str_at("spec.target.name").or_else(|| object.body.str_at("spec.externalSecretSpec.target.name"))
}

/// The keys that an object gives, as far as it says.
fn keys(object: &Object) -> Vec<&str> {
    let names = |path: &str| object.body.at(path).map_or(&[][..], gonogo_domain::Node::entries);
    match object.kind.as_str() {
        "ExternalSecret" | "ClusterExternalSecret" => ["spec.data", "spec.externalSecretSpec.data"]
            .iter()
            .flat_map(|path| object.body.list(path))
            .filter_map(|one| one.str_at("secretKey"))
            .collect(),
        "SealedSecret" => names("spec.encryptedData").iter().map(|entry| entry.key.as_str()).collect(),
        "SecretProviderClass" => object
            .body
            .list("spec.secretObjects")
            .iter()
            .flat_map(|one| one.list("data"))
            .filter_map(|one| one.str_at("key"))
            .collect(),
        _ => names("data").iter().chain(names("stringData")).map(|entry| entry.key.as_str()).collect(),
    }
}

/// What stands behind a Secret.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Backing<'a> {
    /// An object that fetches it from a vault, or holds it encrypted.
    Vault(&'a Object),
    /// A vault's object that does not give this key.
    WithoutKey(&'a Object),
    /// A Secret whose value stands in the repository.
    Plain(&'a Object),
    /// Nothing here makes it.
    Elsewhere,
}

/// What stands behind the key of a Secret, for a workload of this environment.
pub(crate) fn backing<'a>(
    evidence: &Evidence<'a>,
    secret: &str,
    key: &str,
    environment: Option<&str>,
) -> Result<Backing<'a>, Missing> {
    let mut makers: Vec<&Object> = evidence.objects()?.iter().filter(|object| makes(object, secret)).collect();
    // A rendering for the workload's own environment says more than one for another.
    if makers.iter().any(|object| object.environment.as_deref() == environment) {
        makers.retain(|object| object.environment.as_deref() == environment);
    }
    let vault = makers.iter().find(|object| object.kind != "Secret").copied();
    if let Some(object) = vault {
        let open =
            ["spec.dataFrom", "spec.externalSecretSpec.dataFrom"].iter().any(|path| !object.body.list(path).is_empty())
                || keys(object).is_empty()
                || object.body.at("spec.target.template").is_some();
        return Ok(if open || key.is_empty() || keys(object).contains(&key) {
            Backing::Vault(object)
        } else {
            Backing::WithoutKey(object)
        });
    }
    // SOPS keeps the names and encrypts the values.
    let plain = makers.first().copied();
    Ok(plain.map_or(Backing::Elsewhere, |object| match object.body.get("sops") {
        Some(_) => Backing::Vault(object),
        None => Backing::Plain(object),
    }))
}

/// A volume of the CSI driver for secrets is mounted: its class gives files, no variables.
pub(crate) fn mounts_secret_store(evidence: &Evidence<'_>) -> Result<Option<Place>, Missing> {
    Ok(evidence
        .workloads()?
        .iter()
        .filter(|workload| workload.production)
        .flat_map(|workload| &workload.volumes)
        .find_map(|volume| match &volume.kind {
            VolumeKind::Csi { driver, .. } if driver.contains("secrets-store") => Some(volume.place.clone()),
            _ => None,
        }))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(name: &str, ours: bool, credential: bool) {
        assert_eq!((is_ours(name), is_credential(name)), (ours, credential), "{name}");
    }

    #[test]
    fn names_tell_variables_and_credentials() {
        check("CLAY_API_KEY", true, true);
        check("CLAY_WEBHOOK_URL", true, true);
        check("CLAY_TABLE_WEBHOOK_URL", true, true);
        check("CLAY_WEBHOOK_AUTH", true, true);
        check("VITE_CLAY_API_KEY", true, true);
        check("CLAY_API_BASE_URL", true, false);
        check("CLAY_TIMEOUT_MS", true, false);
        check("CLAY_WEBHOOK_SECRET_FILE", true, false);
        check("BARCLAY_KEY", false, false);
        check("CLAY_", false, false);
        check("CLAY_api", false, false);
    }

    #[test]
    fn names_are_found_in_texts() {
        let found: Vec<_> = names_in("env | grep CLAY_; echo $CLAY_API_KEY ${BARCLAY_X} CLAY_A=1").collect();
        assert_eq!(found, ["CLAY_API_KEY", "CLAY_A"]);
    }
}
