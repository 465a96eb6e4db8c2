//! Products of others by their images, and programs that only put load on others: the table in `knowledge/`.

use std::sync::{Arc, OnceLock};

use gonogo_domain::{Node, evidence::ImageRef};
use gonogo_formats::toml;

use super::names::normal;

/// A product that repositories deploy as it is.
#[derive(Clone, Debug)]
pub(crate) struct Product {
    image: String,
    organisation: String,
    /// The field's word for a dependency of this kind.
    pub kind: String,
    /// Data is lost with its volume.
    pub keeps_data: bool,
    /// It watches others or ships what they write: no service of its own, even with configuration added.
    pub agent: bool,
    /// A web server that hands out files unless it is told to do more.
    pub site: bool,
    /// How the names of its own metrics begin.
    metrics: String,
}

struct Table {
    products: Vec<Product>,
    load_generators: Vec<String>,
    toolchains: Vec<String>,
    test_runners: Vec<String>,
}

fn table() -> &'static Table {
    static TABLE: OnceLock<Table> = OnceLock::new();
    TABLE.get_or_init(|| {
        let path = Arc::from("knowledge/products.toml");
        let Ok(root) = toml::parse(&path, include_str!("../../../../knowledge/products.toml")) else {
            return Table {
                products: Vec::new(),
                load_generators: Vec::new(),
                toolchains: Vec::new(),
                test_runners: Vec::new(),
            };
        };
        let text = |node: &Node, key| node.str_at(key).unwrap_or_default().to_owned();
        let yes = |node: &Node, key| node.bool_at(key).unwrap_or(false);
        let products = root.list("product").iter().map(|row| Product {
            image: text(row, "image"),
            organisation: text(row, "organisation"),
            kind: text(row, "kind"),
            keeps_data: yes(row, "keeps_data"),
            agent: yes(row, "agent"),
            site: yes(row, "site"),
            metrics: text(row, "metrics"),
        });
        Table {
            products: products.collect(),
            load_generators: root.list("load_generator").iter().map(|row| text(row, "name")).collect(),
            test_runners: root.list("test_runner").iter().map(|row| text(row, "name")).collect(),
            toolchains: root.list("toolchain").iter().map(|row| text(row, "image")).collect(),
        }
    })
}

/// The product that an image is, by its name alone.
pub(crate) fn product(image: &ImageRef) -> Option<&'static Product> {
    let mut parts = image.repository.rsplit('/');
    let name = parts.next().unwrap_or_default().to_ascii_lowercase();
    let organisation = parts.next().unwrap_or_default();
    let by_image = table().products.iter().find(|one| !one.image.is_empty() && matches(&one.image, &name));
    by_image.or_else(|| {
        table().products.iter().find(|one| !one.organisation.is_empty() && one.organisation == organisation)
    })
}

/// The product that measures itself by a metric of this name.
pub(crate) fn measured(metric: &str) -> Option<&'static str> {
    let mut products = table().products.iter();
    let one = products.find(|one| !one.metrics.is_empty() && metric.starts_with(&one.metrics))?;
    Some(one.image.trim_matches('*'))
}

fn matches(pattern: &str, name: &str) -> bool {
    if let Some(start) = pattern.strip_suffix('*') {
        return name.starts_with(start);
    }
    match pattern.strip_prefix('*') {
        Some(end) => name.ends_with(end),
        None => name == pattern,
    }
}

/// A program that only runs tests.
pub(crate) fn test_runner(name: &str) -> bool {
    let normal = normal(name);
    table().test_runners.contains(&normal)
}

/// An image that starts nothing but a shell or an interpreter.
pub(crate) fn toolchain(repository: &str) -> bool {
    let name = repository.rsplit('/').next().unwrap_or_default();
    table().toolchains.iter().any(|known| known == name)
}

/// A program whose name says that it only puts load on others.
pub(crate) fn load_generator(name: &str) -> bool {
    let normal = normal(name);
    table().load_generators.iter().any(|known| *known == normal || normal.strip_suffix('s') == Some(known))
}
