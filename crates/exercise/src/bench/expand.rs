//! Placeholders of a configuration.

use std::collections::BTreeMap;

/// What stands for `{port}`, `{scratch}`, `{clay.address}` and so on.
#[derive(Clone, Debug, Default)]
pub(super) struct Places(BTreeMap<String, String>);

impl Places {
    pub(super) fn set(&mut self, name: &str, value: impl Into<String>) {
        self.0.insert(format!("{{{name}}}"), value.into());
    }

    /// The text with every known placeholder replaced. Other braces are left as they are: a body is often JSON.
    pub(super) fn expand(&self, text: &str) -> String {
        let mut done = String::with_capacity(text.len());
        let mut rest = text;
        while let Some(at) = rest.find('{') {
            let (before, from) = rest.split_at(at);
            done.push_str(before);
            let known = self.0.iter().find(|(name, _)| from.starts_with(name.as_str()));
            let (value, length) = known.map_or(("{", 1), |(name, value)| (value.as_str(), name.len()));
            done.push_str(value);
            rest = from.get(length..).unwrap_or_default();
        }
        done.push_str(rest);
        done
    }

    pub(super) fn expand_all(&self, texts: &[String]) -> Vec<String> {
        texts.iter().map(|text| self.expand(text)).collect()
    }

    pub(super) fn expand_map(&self, map: &BTreeMap<String, String>) -> BTreeMap<String, String> {
        map.iter().map(|(name, text)| (name.clone(), self.expand(text))).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expect: &str) {
        let mut places = Places::default();
        places.set("port", "8080");
        places.set("db.address", "127.0.0.1:5432");
        assert_eq!(places.expand(text), expect);
    }

    #[test]
    fn known_names_are_replaced_and_other_braces_stay() {
        check("http://{db.address}/{port}", "http://127.0.0.1:5432/8080");
        check(r#"{"port": {port}, "a": {"b": "{c}"}}"#, r#"{"port": 8080, "a": {"b": "{c}"}}"#);
        check("{po", "{po");
        check("{{port}", "{8080");
    }
}
