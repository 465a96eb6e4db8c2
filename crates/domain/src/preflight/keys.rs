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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::preflight::Verdict;

    #[test]
    fn every_key_is_counted() {
        let wanted = ["A".to_owned(), "B".to_owned()];
        assert_eq!(keys(&wanted, |_| true).verdict, Verdict::Ready);
        let item = keys(&wanted, |name| name == "A");
        assert_eq!((item.verdict, item.told.en.as_str()), (Verdict::NotReady, "1 of 2 keys are there"));
        assert_eq!(keys(&[], |_| true).verdict, Verdict::Unknown);
    }
}
