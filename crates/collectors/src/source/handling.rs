//! Where errors are looked at, and what is given back in their place.

use gonogo_source::{Expr, Language, Scope, ScopeKind};

/// What the handler of an error gives back is a value, and no error: `return cart, nil`, `return []`.
pub(super) fn stands_in(language: Language, value: &Expr, kept: &dyn Fn(usize) -> bool) -> bool {
    if tells_of_error(value) {
        return false;
    }
    let plain = |value: &Expr| match value {
        Expr::Object { .. } | Expr::List(_) | Expr::Name(_) | Expr::Member(..) | Expr::Index(..) | Expr::Number(_) => {
            true
        }
        Expr::Call(at) => kept(*at),
        _ => false,
    };
    if language == Language::Go {
        return matches!(value, Expr::List(items) if items.len() > 1
            && items.last() == Some(&Expr::Null) && items.first().is_some_and(plain));
    }
    plain(value)
}

/// `return {"error": …}, 500`, `HttpStatus.BAD_GATEWAY`: the failure is handed on to who asked.
fn tells_of_error(value: &Expr) -> bool {
    let mut tells = false;
    value.walk(&mut |inner| {
        tells |= match inner {
            Expr::Number(text) => text.len() == 3 && text.starts_with(['4', '5']),
            Expr::Name(name) => {
                let last = name.rsplit('.').next().unwrap_or(name).to_ascii_uppercase();
                ["INTERNAL_SERVER_ERROR", "BAD_GATEWAY", "SERVICE_UNAVAILABLE", "GATEWAY_TIMEOUT", "BAD_REQUEST"]
                    .iter()
                    .any(|status| {
                        last == *status || last.ends_with(&format!("_{status}")) || last == status.replace('_', "")
                    })
            }
            _ => false,
        };
    });
    // A list of numbers or a plain number is a value: only beside an answer it is its status.
    tells
        && !matches!(value, Expr::Number(_))
        && !matches!(value, Expr::List(items) if items.iter().all(|one| matches!(one, Expr::Number(_))))
}

/// Go looks at errors in branches.
pub(super) fn handles_errors(language: Language, scope: &Scope) -> bool {
    scope.kind == ScopeKind::Catch
        || language == Language::Go
            && scope.kind == ScopeKind::Branch
            && matches!(&scope.condition, Some(Expr::Operation(operator, items))
                if operator == "!=" && matches!(items.as_slice(), [Expr::Name(name), Expr::Null] if name == "err"))
}
