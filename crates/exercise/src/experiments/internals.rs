//! What an answer should not tell of the inside of a service.

/// Texts that only stack traces, debug pages and messages of drivers have.
const SIGNS: &[&str] = &[
    "Traceback (most recent call last)",
    "goroutine 1 [",
    "runtime/debug.Stack",
    "panicked at ",
    "Exception in thread",
    "java.lang.",
    "java.util.",
    "org.springframework.",
    "com.fasterxml.jackson",
    "jakarta.servlet",
    "System.NullReferenceException",
    "System.InvalidOperationException",
    "Microsoft.AspNetCore.",
    "sqlalchemy.exc",
    "psycopg2.",
    "asyncpg.exceptions",
    "SQLSTATE[",
    "ActiveRecord::",
    "ActionController::",
    "PrismaClient",
    "SequelizeDatabaseError",
    "QueryFailedError",
    "node_modules/",
    "node:internal/",
    "site-packages/",
    "/usr/src/app/",
    "/usr/local/lib/",
    "connect ECONNREFUSED",
    "dial tcp ",
    "Go struct field",
    "werkzeug.debug",
    "You're seeing this error because you have",
    "Whoops, looks like something went wrong",
];

/// A piece of it, as short as convinces; none where nothing is told.
pub(super) fn inside(body: &str) -> Option<String> {
    let text = plain(body);
    if let Some(sign) = SIGNS.iter().find(|sign| text.contains(**sign)) {
        return Some((*sign).trim().to_owned());
    }
    text.lines().find(|line| is_frame(line)).map(|line| super::listen::beginning(line.trim(), 80))
}

/// Written as it is read: without the escapes of HTML and JSON that stand for spaces and line ends.
fn plain(body: &str) -> String {
    let replaced = [
        ("&nbsp;", " "),
        ("<br>", "\n"),
        ("<br/>", "\n"),
        ("\\n", "\n"),
        ("\\t", "\t"),
        ("\\\"", "\""),
        ("&lt;", "<"),
        ("&gt;", ">"),
        ("&#39;", "'"),
    ];
    replaced.iter().fold(body.to_owned(), |text, (from, to)| text.replace(from, to))
}

/// `at parse (/srv/app.js:3:14)`, `at com.shop.Api.get(Api.java:12)`, `File "/srv/app.py", line 3`, `src/main.rs:3:14`.
fn is_frame(line: &str) -> bool {
    let line = line.trim_start();
    let has_line_number = |text: &str, ending: &str| {
        text.match_indices(ending).any(|(at, _)| {
            text.get(at + ending.len()..).is_some_and(|rest| rest.starts_with(|letter: char| letter.is_ascii_digit()))
        })
    };
    let source =
        [".js:", ".mjs:", ".cjs:", ".ts:", ".java:", ".kt:", ".scala:", ".cs:line ", ".go:", ".rs:", ".rb:", ".php:"];
    let numbered = source.iter().any(|ending| has_line_number(line, ending));
    let python = line.contains("File \"") && line.contains("\", line ");
    let anonymous = line.starts_with("at ") && line.contains("<anonymous>");
    numbered || python || anonymous
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(body: &str, expect: bool) {
        assert_eq!(inside(body).is_some(), expect, "{body}");
    }

    #[test]
    fn traces_of_many_languages_are_seen() {
        check("<pre>SyntaxError: x<br> &nbsp; &nbsp;at JSON.parse (&lt;anonymous&gt;)<br></pre>", true);
        check(r#"{"stack":"Error: x\n    at get (/srv/api.js:12:7)"}"#, true);
        check(r#"{"trace":"java.lang.NullPointerException"}"#, true);
        check(r#"{"detail":"File \"/srv/app.py\", line 3, in get"}"#, true);
        check("Traceback (most recent call last):\n  File \"/srv/app.py\", line 3, in get", true);
        check(r#"{"error":"json: cannot unmarshal string into Go struct field Item.id of type int"}"#, true);
        check("thread 'main' panicked at src/main.rs:3:14", true);
    }

    #[test]
    fn messages_for_people_are_not() {
        check(r#"{"error":{"code":"invalid","message":"Unexpected token } in JSON at position 5"}}"#, false);
        check(r#"{"detail":[{"loc":["body","id"],"msg":"field required"}]}"#, false);
        check(r#"{"error":"expected value at line 1 column 2"}"#, false);
        check(r#"{"message":"look at https://docs.example.com/api.json for help"}"#, false);
        check("", false);
    }
}
