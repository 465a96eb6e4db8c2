//! Whether the keys that a release needs are there. Names only: nobody looks at a value.

use super::Item;
use crate::Message;

const ID: &str = "keys";

/// `wanted` are the names, `present` says whether something stands under one.
pub fn keys(wanted: &[String], present: impl Fn(&str) -> bool) -> Item {
    if wanted.is_empty() {
        return Item::unknown(
            ID,
            Message::new("nothing says which keys it needs", "未说明需要哪些密钥"),
            Message::new("[service.NAME.preflight] keys = [\"…\"]", "[service.NAME.preflight] keys = [\"…\"]"),
        );
    }
    let missing: Vec<&str> = wanted.iter().map(String::as_str).filter(|name| !present(name)).collect();
    let (all, there) = (wanted.len(), wanted.len() - missing.len());
    let told = Message::new(format!("{there} of {all} keys are there"), format!("{all} 个密钥中有 {there} 个已就位"));
    if missing.is_empty() {
        return Item::ready(ID, told);
    }
    let missing = missing.join(", ");
    let settle = Message::new(
        format!("put something into {missing}, and run this with the environment of the release"),
        format!("请设置 {missing}，并在发布环境中运行"),
    );
    Item::not_ready(ID, told, settle)
}

/// Where a variable comes from that the containers of a workload read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum KeySource {
    /// This object holds it: `secret/web`.
    Held(String),
    /// It stands in the manifest.
    Written,
    /// This object holds other things.
    Absent(String),
    /// It stands in this object, with nothing in it.
    Empty(String),
    /// There is no such object.
    Gone(String),
    /// No container reads it.
    Unread,
}

impl KeySource {
    fn is_there(&self) -> bool {
        matches!(self, Self::Held(_) | Self::Written)
    }

    fn told(&self, name: &str) -> Message {
        match self {
            Self::Held(object) => Message::new(format!("{name} in {object}"), format!("{name}（{object}）")),
            Self::Written => Message::new(format!("{name} in the manifest"), format!("{name}（清单）")),
            Self::Absent(object) => Message::new(format!("{object} has no {name}"), format!("{object} 中没有 {name}")),
            Self::Empty(object) => {
                Message::new(format!("{name} is empty in {object}"), format!("{object} 中的 {name} 为空"))
            }
            Self::Gone(object) => Message::new(
                format!("{object}, which should hold {name}, does not exist"),
                format!("应包含 {name} 的 {object} 不存在"),
            ),
            Self::Unread => Message::new(format!("no container reads {name}"), format!("没有容器读取 {name}")),
        }
    }
}

/// The same where a cluster holds them: `seen` says of each name where it comes from, or why nobody could look.
pub fn keys_of_workload(wanted: &[String], seen: &Result<Vec<(String, KeySource)>, String>) -> Item {
    let seen = match seen {
        _ if wanted.is_empty() => return keys(wanted, |_| false),
        Ok(seen) => seen,
        Err(reason) => {
            return Item::unknown(
                ID,
                Message::new(format!("nobody could look: {reason}"), format!("无法查看：{reason}")),
                Message::new(
                    "a cluster that answers, and the right to read the Secrets of the workload",
                    "可访问的集群，以及读取该工作负载 Secret 的权限",
                ),
            );
        }
    };
    let join = |there: bool| {
        let told: Vec<Message> = seen
            .iter()
            .filter(|(_, source)| source.is_there() == there)
            .map(|(name, source)| source.told(name))
            .collect();
        let text = |pick: fn(&Message) -> &str| told.iter().map(pick).collect::<Vec<_>>().join(", ");
        Message::new(text(|one| &one.en), text(|one| &one.zh))
    };
    let (all, there) = (seen.len(), seen.iter().filter(|(_, source)| source.is_there()).count());
    let (held, missing) = (join(true), join(false));
    let list = |text: &str| if text.is_empty() { String::new() } else { format!(": {text}") };
    let told = Message::new(
        format!("{there} of {all} keys are in the cluster{}", list(&held.en)),
        format!("集群中有 {there}/{all} 个密钥{}", list(&held.zh)),
    );
    if there == all { Item::ready(ID, told) } else { Item::not_ready(ID, told, missing) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::preflight::Verdict;

    #[test]
    fn a_cluster_is_asked_by_name_and_object() {
        let wanted = ["A".to_owned(), "B".to_owned()];
        let held = || ("A".to_owned(), KeySource::Held("secret/web".to_owned()));
        let check = |second: KeySource, verdict: Verdict, settle: Option<&str>| {
            let item = keys_of_workload(&wanted, &Ok(vec![held(), ("B".to_owned(), second)]));
            assert_eq!((item.verdict, item.settle.as_ref().map(|one| one.en.as_str())), (verdict, settle));
            item.told.en
        };
        let told = check(KeySource::Written, Verdict::Ready, None);
        assert_eq!(told, "2 of 2 keys are in the cluster: A in secret/web, B in the manifest");
        let web = || "secret/web".to_owned();
        check(KeySource::Absent(web()), Verdict::NotReady, Some("secret/web has no B"));
        check(KeySource::Empty(web()), Verdict::NotReady, Some("B is empty in secret/web"));
        check(KeySource::Gone(web()), Verdict::NotReady, Some("secret/web, which should hold B, does not exist"));
        check(KeySource::Unread, Verdict::NotReady, Some("no container reads B"));
        assert_eq!(keys_of_workload(&wanted, &Err("refused".to_owned())).verdict, Verdict::Unknown);
        assert_eq!(keys_of_workload(&[], &Ok(Vec::new())).verdict, Verdict::Unknown);
    }

    #[test]
    fn every_key_is_counted() {
        let wanted = ["A".to_owned(), "B".to_owned()];
        assert_eq!(keys(&wanted, |_| true).verdict, Verdict::Ready);
        let item = keys(&wanted, |name| name == "A");
        assert_eq!((item.verdict, item.told.en.as_str()), (Verdict::NotReady, "1 of 2 keys are there"));
        assert_eq!(keys(&[], |_| true).verdict, Verdict::Unknown);
    }
}
