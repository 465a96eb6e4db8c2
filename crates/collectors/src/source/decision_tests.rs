//! What the branches of small programs look at, and where what they pass on comes from.

use gonogo_domain::evidence::{Origin, SourceCode, SourceTextKind};

use super::tests::source;

/// Statuses, words, secrets and comparisons by their lines; flows by the symbol of the use.
fn told(code: &SourceCode) -> Vec<String> {
    let mut found = Vec::new();
    let decisions = &code.decisions;
    for one in &decisions.statuses {
        let named = one.named.as_deref().map(|name| format!(" of {name}")).unwrap_or_default();
        let line = one.place.line().unwrap_or_default();
        found.push((line, format!("{line} {}-{}{named}", one.low, one.high)));
    }
    for one in &decisions.words {
        let line = one.place.line().unwrap_or_default();
        found.push((line, format!("{line} {}", one.word)));
    }
    for one in &decisions.secrets {
        let line = one.place.line().unwrap_or_default();
        let (set, refuses) = (if one.set { "set" } else { "unset" }, if one.refuses { "refuses" } else { "goes on" });
        found.push((line, format!("{line} {} {set}: {refuses}, {} calls", one.name, one.calls.len())));
    }
    for one in &decisions.comparisons {
        let line = one.place.line().unwrap_or_default();
        found.push((line, format!("{line} compared: {}", shown(code, &one.from))));
    }
    for one in &decisions.ages {
        let line = one.place.line().unwrap_or_default();
        found.push((line, format!("{line} the age of something")));
    }
    for (id, into) in &code.flows {
        let one = &code.uses[*id];
        let line = one.place.line().unwrap_or_default();
        for (name, from) in into {
            found.push((line, format!("{line} {} {name}<- {}", one.symbol, shown(code, from))));
        }
    }
    found.sort();
    found.into_iter().map(|(_, text)| text).collect()
}

fn shown(code: &SourceCode, from: &[Origin]) -> String {
    let texts = from.iter().map(|one| match one {
        Origin::Use(id) => format!("[{}]", code.uses[*id].symbol),
        Origin::Environment(name) => format!("${name}"),
        Origin::Parameter(name) => format!("({name})"),
        Origin::Name(name) => name.clone(),
        Origin::Text(text) => format!("{text:?}"),
    });
    texts.collect::<Vec<_>>().join(" ")
}

#[track_caller]
fn check(files: &[(&str, &str)], expect: &[&str]) {
    assert_eq!(told(&source(files)), expect);
}

#[test]
fn statuses_are_seen_however_they_are_asked_for() {
    check(
        &[(
            "client.py",
            "import http\nRETRY = {429, 503}\nKINDS = {402: 'credits'}\ndef f(response):\n    if response.status_code == 402: raise A()\n    if response.status_code in (401, 403): raise B()\n    if 500 <= response.status_code < 600: raise C()\n    match response.status_code:\n        case 413 | 422: raise D()\n    if response.status_code == http.HTTPStatus.NOT_FOUND: raise E()\n    response.raise_for_status()\n    if port == 443: raise F()\n",
        )],
        &[
            "2 429-429 of RETRY",
            "2 503-503 of RETRY",
            "3 402-402 of KINDS",
            "5 402-402",
            "6 401-401",
            "6 403-403",
            "7 500-599",
            "9 413-413",
            "9 422-422",
            "10 404-404",
            "11 400-599",
        ],
    );
    check(
        &[(
            "client.ts",
            "export function f(res: Response) {\n  if (res.status === 402) throw a();\n  if ([401, 403].includes(res.status)) throw b();\n  if (res.status >= 400 && res.status < 500) throw c();\n  if (res.status < 500) return 1;\n  if (!res.ok) throw d();\n  switch (res.status) {\n    case 404: throw e();\n  }\n  // if (res.status === 413)\n  return res.status === 429 ? 'slow' : \"res.status === 422\";\n}\n",
        )],
        &["2 402-402", "3 401-401", "3 403-403", "4 400-499", "5 500-599", "6 400-599", "8 404-404", "11 429-429"],
    );
    check(
        &[(
            "client.go",
            "package clay\nimport \"net/http\"\nfunc f(resp *http.Response) error {\n\tswitch resp.StatusCode {\n\tcase http.StatusPaymentRequired:\n\t\treturn ErrCredits\n\tcase 401, http.StatusForbidden:\n\t\treturn ErrAuth\n\t}\n\tif resp.StatusCode/100 != 2 {\n\t\treturn ErrOther\n\t}\n\tif resp.StatusCode >= http.StatusInternalServerError {\n\t\treturn ErrThere\n\t}\n\treturn nil\n}\n",
        )],
        &["5 402-402", "7 401-401", "7 403-403", "10 400-599", "13 500-599"],
    );
}

#[test]
fn words_for_outcomes_are_seen_where_a_branch_asks() {
    check(
        &[(
            "client.py",
            "def f(run):\n    if run['status'] == 'in_progress': return None\n    for item in run['data']:\n        if item.get('error') or item['status'] in ('failed',): skip(item)\n    log('failed')\n",
        )],
        &["2 in_progress", "4 error", "4 failed"],
    );
}

#[test]
fn a_secret_that_is_not_set_refuses_or_lets_in() {
    check(
        &[(
            "hook.py",
            "import os\nSECRET = os.environ.get('HOOK_SECRET')\ndef closed(sig):\n    if not SECRET:\n        raise Refused()\n    return check(sig)\ndef open_(sig):\n    if SECRET and sig:\n        check(sig)\n    return True\ndef check(sig):\n    return SECRET == sig\n",
        )],
        &[
            "5 HOOK_SECRET unset: refuses, 0 calls",
            "9 HOOK_SECRET set: goes on, 1 calls",
            "12 compared: $HOOK_SECRET (sig)",
        ],
    );
    check(
        &[(
            "hook.go",
            "package hook\nimport \"os\"\nfunc closed() error {\n\tsecret := os.Getenv(\"HOOK_SECRET\")\n\tif secret == \"\" {\n\t\treturn ErrNotSet\n\t}\n\treturn nil\n}\nfunc open() error {\n\tif os.Getenv(\"HOOK_SECRET\") == \"\" {\n\t\treturn nil\n\t}\n\treturn nil\n}\n",
        )],
        &["5 HOOK_SECRET unset: refuses, 0 calls", "11 HOOK_SECRET unset: goes on, 0 calls"],
    );
}

#[test]
fn what_a_hash_is_made_of_is_followed() {
    check(
        &[(
            "hook.js",
            "import crypto from 'crypto';\nexport function raw(req) {\n  return crypto.createHmac('sha256', process.env.HOOK_SECRET).update(req.rawBody).digest('hex');\n}\nexport function anew(req) {\n  const text = JSON.stringify(req.body);\n  const mac = crypto.createHmac('sha256', process.env.HOOK_SECRET).update(text).digest('hex');\n  return mac === req.headers['x-signature'];\n}\n",
        )],
        &[
            "3 crypto.Hmac.update message<- (req.rawBody)",
            "3 crypto.createHmac key<- $HOOK_SECRET",
            "3 crypto.createHmac message<- (req.rawBody)",
            "7 crypto.Hmac.update message<- [JSON.stringify] (req.body) stringify() text",
            "7 crypto.createHmac key<- $HOOK_SECRET",
            "7 crypto.createHmac message<- [JSON.stringify] (req.body) stringify() text",
            "8 compared: [crypto.Hmac.update] digest() mac \"hex\" (req.headers) \"x-signature\"",
        ],
    );
}

#[test]
fn the_age_of_something_is_seen() {
    check(
        &[(
            "cache.ts",
            "export function f(at: number) {\n  if (Date.now() - at < 30_000) return 1;\n  return at < 3;\n}\n",
        )],
        &["2 the age of something"],
    );
}

#[test]
fn texts_of_a_vendor_are_noted_only_where_the_program_talks_to_it() {
    let texts = |text: &str| -> Vec<String> {
        let code = source(&[("app.py", text)]);
        let own = code.texts.iter().filter(|one| one.kind == SourceTextKind::Vendor);
        own.map(|one| format!("{} {}", one.place.line().unwrap_or_default(), one.text)).collect()
    };
    assert_eq!(
        texts(
            "headers = {'clay-api-key': key}\ndef f(x_clay_signature):\n    return call('/me')\n# '/routines/1/run'\n"
        ),
        ["1 clay-api-key", "2 x-clay-signature", "3 /me"]
    );
    assert_eq!(texts("def f():\n    return call('/me')\n"), [""; 0]);
}
