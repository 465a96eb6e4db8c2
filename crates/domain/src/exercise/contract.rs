//! Live answers beside the document that promises them.

use serde::{Deserialize, Serialize};

use super::Answer;
use crate::Message;

/// The answers to the configured requests, and what the OpenAPI document says of them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Contract {
    /// Where the document is from.
    pub document: String,
    /// Nothing says that it is this service's: it is the only one that was found in the repository.
    #[serde(default)]
    pub found: bool,
    pub promises: Vec<Promise>,
}

/// One answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Promise {
    pub request: String,
    pub status: Option<u16>,
    /// The document has an operation for it.
    pub operation: bool,
    /// That operation documents the status.
    pub documented: bool,
    /// Its body was compared with a schema.
    pub compared: bool,
    /// What does not fit the schema, by the place in the body.
    pub flaws: Vec<String>,
    /// Why its schema cannot be used.
    pub unusable: Option<String>,
}

impl Contract {
    pub(super) fn answers(&self) -> Vec<Answer> {
        const CHECK: &str = "testing.contract";
        let document = &self.document;
        if self.found && self.promises.iter().all(|one| !one.operation) {
            let why = Message::new(
                format!(
                    "no request stands in {document}, which may be another's: [service.NAME.run] openapi names its own"
                ),
                format!("{document} 中没有任何所配置的请求，它可能属于其他服务：用 [service.NAME.run] openapi 指明"),
            );
            return vec![Answer::inconclusive(CHECK, why)];
        }
        let misses: Vec<Message> = self.promises.iter().flat_map(|one| one.misses(document)).collect();
        let (compared, of) = (self.promises.iter().filter(|one| one.compared).count(), self.promises.len());
        let documented = self.promises.iter().filter(|one| one.documented).count();
        if misses.is_empty() && compared == 0 {
            let why = self.promises.iter().find_map(|one| one.unusable.as_ref());
            let (en, zh) =
                why.map_or_else(|| (String::new(), String::new()), |why| (format!(": {why}"), format!("：{why}")));
            let why = Message::new(
                format!("no answer could be compared with a schema of {document}{en}"),
                format!("没有响应可与 {document} 的模式比较{zh}"),
            );
            return vec![Answer::inconclusive(CHECK, why)];
        }
        let summary = Message::new(
            format!(
                "{documented} of {of} answers have a status that {document} documents; {compared} bodies were compared with their schemas"
            ),
            format!("{of} 个响应中 {documented} 个的状态码在 {document} 中有说明；{compared} 个正文与模式做了比较"),
        );
        vec![Answer::of(CHECK, summary, misses)]
    }
}

impl Promise {
    fn misses(&self, document: &str) -> Vec<Message> {
        let request = &self.request;
        let Some(status) = self.status else {
            return vec![Message::new(format!("{request} is not answered"), format!("{request} 没有得到响应"))];
        };
        if !self.operation {
            return vec![Message::new(
                format!("{request} is answered {status} and stands not in {document}"),
                format!("{request} 得到 {status}，但不在 {document} 中"),
            )];
        }
        if !self.documented {
            return vec![Message::new(
                format!("{request} is answered {status}, which {document} does not document"),
                format!("{request} 得到 {status}，{document} 未说明该状态码"),
            )];
        }
        let flaw = |flaw: &String| {
            Message::new(
                format!("the answer {status} to {request} is not what {document} says: {flaw}"),
                format!("{request} 的 {status} 响应与 {document} 不符：{flaw}"),
            )
        };
        self.flaws.iter().map(flaw).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::exercise::Held;

    #[track_caller]
    fn check(change: impl FnOnce(&mut Promise), expect: Held) {
        let mut promise = Promise {
            request: "GET /items".to_owned(),
            status: Some(200),
            operation: true,
            documented: true,
            compared: true,
            flaws: Vec::new(),
            unusable: None,
        };
        change(&mut promise);
        let contract = Contract { document: "openapi.yaml".to_owned(), found: false, promises: vec![promise] };
        assert_eq!(contract.answers().first().map(|one| one.held), Some(expect));
    }

    #[test]
    fn an_answer_is_what_the_document_says() {
        check(|_| (), Held::Yes);
        check(|one| one.status = None, Held::No);
        check(|one| one.operation = false, Held::No);
        check(|one| one.documented = false, Held::No);
        check(|one| one.flaws.push("/id: 1 is not of type string".to_owned()), Held::No);
        check(|one| one.compared = false, Held::Inconclusive);
    }

    #[track_caller]
    fn check_found(operations: [bool; 2], expect: Held) {
        let promises = operations.map(|operation| Promise {
            request: "GET /".to_owned(),
            status: Some(200),
            operation,
            documented: operation,
            compared: operation,
            flaws: Vec::new(),
            unusable: None,
        });
        let contract = Contract { document: "lib/openapi.json".to_owned(), found: true, promises: promises.to_vec() };
        assert_eq!(contract.answers().first().map(|one| one.held), Some(expect));
    }

    #[test]
    fn a_document_that_knows_none_of_the_requests_is_anothers() {
        check_found([false, false], Held::Inconclusive);
        check_found([true, false], Held::No);
        check_found([true, true], Held::Yes);
    }
}
