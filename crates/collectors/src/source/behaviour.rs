//! What the name of a call, and what it is given, say of the function that it stands in: whether it can fail a test,
//! and whether it turns callers away.

use std::sync::LazyLock;

use aho_corasick::AhoCorasick;
use gonogo_source::{Call, CallRole, Expr, Module, ScopeKind};

use super::{facts::method, values::Context};

/// What a call is named that can fail a test.
const FAILING: &[&str] = &[
    "assert",
    "expect",
    "should",
    "verify",
    "must",
    "require",
    "check",
    "fail",
    "fatal",
    "error",
    "raises",
    "throws",
    "snapshot",
    "equal",
    "panic",
    "compare",
    "validate",
    "ensure",
    "eventually",
    "match",
    // Stand-ins of .NET say by it what was asked of them.
    "received",
    "didnotreceive",
    "waitforselector",
    "waitforurl",
    "waitforresponse",
];

/// What turns a caller away, by its name.
const REFUSING: &[&str] = &[
    "unauthorized",
    "unauthorised",
    "unauthenticated",
    "forbidden",
    "permissiondenied",
    "accessdenied",
    "authfail",
    "authenticationfail",
    "notauthenticated",
    "notauthorized",
];

/// What [`REFUSING`] and the numbers have in common: hardly any name has it.
const HINTS: &[&str] = &[
    "unauth",
    "forbid",
    "denied",
    "401",
    "403",
    "challenge",
    "authfail",
    "auth_fail",
    "tionfail",
    "tion_fail",
    "notauth",
    "not_auth",
];

/// Where who is not known is sent, by a word of the address or of what makes it.
const SIGN_IN: &[&str] = &["login", "signin", "logon"];

/// What an answer says to somebody who is not known.
const WHO_ARE_YOU: &[&str] = &["notloggedin", "notsignedin", "loginrequired", "mustbeloggedin", "mustlogin"];

/// Words that are sought whatever their case.
struct Words(Option<AhoCorasick>);

impl Words {
    fn new(words: &[&str]) -> Self {
        Self(AhoCorasick::builder().ascii_case_insensitive(true).build(words).ok())
    }

    fn are_in(&self, text: &str) -> bool {
        self.0.as_ref().is_some_and(|words| words.is_match(text))
    }
}

static FAILS: LazyLock<Words> = LazyLock::new(|| Words::new(FAILING));
static REDIRECTS: LazyLock<Words> = LazyLock::new(|| Words::new(&["redirect"]));
static HINTED: LazyLock<Words> = LazyLock::new(|| Words::new(HINTS));

/// Whether a call can fail a test, and whether it turns a caller away.
pub(super) fn behaviour(context: Context<'_>, call: &Call) -> (bool, bool) {
    let name = method(&call.callee).unwrap_or_default();
    let root = call.callee.name().and_then(|path| path.split('.').next()).unwrap_or_default();
    let asserts =
        call.role == CallRole::Throw || FAILS.are_in(name) || FAILS.are_in(root) || hands_test_on(context, call);
    let mut refuses = says_no(name) || HINTED.are_in(name) && matches!(plain(name).as_str(), "abort401" | "challenge");
    // `ApiError::UNAUTHORIZED.into_response()`, `(StatusCode::UNAUTHORIZED, "who?").into_response()`
    let constant = |path: &str| {
        path.split('.').any(|part| {
            part.starts_with(char::is_uppercase) && HINTED.are_in(part) && REFUSING.contains(&plain(part).as_str())
        })
    };
    match &call.callee {
        Expr::Name(path) => refuses |= constant(path),
        Expr::Member(of, _) => of.walk(&mut |value| refuses |= value.name().is_some_and(constant)),
        _ => (),
    }
    refuses |= sends_to_sign_in(context, call, name) || says_who_are_you(call, name);
    for argument in &call.arguments {
        argument.value.walk(&mut |value| {
            refuses |= match value {
                Expr::Number(number) => matches!(number.as_str(), "401" | "403"),
                Expr::Name(path) => {
                    let last = path.rsplit('.').next().unwrap_or(path);
                    matches!(last, "401" | "403") || says_no(last)
                }
                _ => false,
            }
        });
    }
    (asserts, refuses)
}

/// `render plain: "not logged in", status: 400`
fn says_who_are_you(call: &Call, name: &str) -> bool {
    let answers = || matches!(name, "render" | "json" | "send" | "error" | "Error" | "abort" | "halt" | "head");
    let texts = call.arguments.iter().filter_map(|one| one.value.text()).filter(|text| text.len() < 80);
    texts.map(plain).any(|text| WHO_ARE_YOU.iter().any(|word| text.contains(word))) && answers()
}

/// `if user == nil { http.Redirect(w, r, "/login", 302) }`, `if (known) { return next(); } return redirect("/login");`:
/// whoever does not go on is sent to where one signs in.
fn sends_to_sign_in(context: Context<'_>, call: &Call, name: &str) -> bool {
    let module = context.module;
    // `redirect()->to(url('/login'))`
    let chained = || match &call.callee {
        Expr::Member(of, _) => match **of {
            Expr::Call(at) => module.calls.get(at).and_then(|call| method(&call.callee)),
            _ => None,
        },
        _ => None,
    };
    if !(REDIRECTS.are_in(name) || chained().is_some_and(|name| REDIRECTS.are_in(name))) {
        return false;
    }
    let leads = |value: &Expr| match value {
        Expr::Text(text) => is_sign_in(text.split(['?', '#']).next().unwrap_or(text)),
        Expr::Name(path) => path.rsplit('.').next().is_some_and(is_sign_in),
        Expr::Call(at) => module.calls.get(*at).is_some_and(|call| {
            let texts = call.arguments.iter().filter_map(|one| one.value.text());
            method(&call.callee).into_iter().chain(texts).any(is_sign_in)
        }),
        _ => false,
    };
    let leads = call.arguments.iter().any(|argument| {
        let mut found = false;
        argument.value.walk(&mut |value| found |= leads(value));
        found
    });
    leads && is_one_of_two(module, call)
}

fn is_sign_in(name: &str) -> bool {
    let plain = plain(name);
    SIGN_IN.iter().any(|word| plain.contains(word)) && !plain.contains("afterlogin")
}

/// It stands in a branch, or behind one that gives something back.
fn is_one_of_two(module: &Module, call: &Call) -> bool {
    let mut inner = module.around(call.scope).map(|(_, scope)| scope.kind);
    if inner.find(|kind| matches!(kind, ScopeKind::Branch | ScopeKind::Function)) == Some(ScopeKind::Branch) {
        return true;
    }
    let home = module.function(call.scope);
    module.returns.iter().any(|one| {
        one.spot.start < call.spot.start
            && module.function(one.scope) == home
            && module.scopes.get(one.scope).is_some_and(|scope| scope.kind == ScopeKind::Branch)
    })
}

/// Go hands its test to what may fail it.
fn hands_test_on(context: Context<'_>, call: &Call) -> bool {
    let inner = context.module.function(call.scope).and_then(|at| context.module.scopes.get(at));
    let tests = inner.into_iter().flat_map(|scope| &scope.parameters).filter(|one| {
        one.kind.as_deref().is_some_and(|kind| kind.contains("testing.T") || kind.contains("testing.TB"))
    });
    let names: Vec<&str> = tests.map(|one| one.name.as_str()).collect();
    // What a call gives is run with a test of its own: `t.Run(name, check(item))`.
    let runs_what_is_made = || {
        let on = call.callee.name().and_then(|path| path.strip_suffix(".Run"));
        on.is_some_and(|on| names.contains(&on))
            && call.arguments.iter().skip(1).any(|one| matches!(one.value, Expr::Call(_)))
    };
    call.arguments.iter().any(|one| one.value.name().is_some_and(|name| names.contains(&name))) || runs_what_is_made()
}

fn says_no(name: &str) -> bool {
    HINTED.are_in(name) && {
        let plain = plain(name);
        REFUSING.iter().any(|word| plain.contains(word))
    }
}

fn plain(name: &str) -> String {
    name.chars().filter(char::is_ascii_alphanumeric).map(|letter| letter.to_ascii_lowercase()).collect()
}
