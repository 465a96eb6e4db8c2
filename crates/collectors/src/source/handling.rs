//! Where errors are looked at, and what is given back in their place.

use gonogo_source::{Expr, Language, Scope, ScopeKind};

/// What the handler of an error gives back is a value, and no error: `return cart, nil`, `return []`.
pub(super) fn stands_in(language: Language, value: &Expr, kept: &dyn Fn(usize) -> bool) -> bool {
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

/// Go looks at errors in branches.
pub(super) fn handles_errors(language: Language, scope: &Scope) -> bool {
    scope.kind == ScopeKind::Catch
        || language == Language::Go
            && scope.kind == ScopeKind::Branch
            && matches!(&scope.condition, Some(Expr::Operation(operator, items))
                if operator == "!=" && matches!(items.as_slice(), [Expr::Name(name), Expr::Null] if name == "err"))
}
