//! Who reads what a request brings along.

use gonogo_source::{Call, Expr, Language};

use super::{facts::method, values::Context};

/// How frameworks of Go read a body.
const READING: &[&str] = &[
    "Bind",
    "BindJSON",
    "BodyParser",
    "BodyRaw",
    "DecodeJSON",
    "FormFile",
    "FormValue",
    "GetRawData",
    "MultipartForm",
    "MultipartReader",
    "ParseForm",
    "ParseMultipartForm",
    "PostForm",
    "PostFormValue",
    "ShouldBind",
    "ShouldBindBodyWith",
    "ShouldBindJSON",
];

/// A call of Go reads a body, is given one, or is given the whole request and leads out of sight.
pub(super) fn takes(context: Context<'_>, call: &Call, followed: bool) -> bool {
    if context.module.language != Language::Go {
        return false;
    }
    let body = |path: &str| path.ends_with(".Body") || path.contains(".Body.") && !path.ends_with(".Body.Close");
    let reads =
        method(&call.callee).is_some_and(|name| READING.contains(&name)) || call.callee.name().is_some_and(body);
    reads
        || call.arguments.iter().any(|argument| match &argument.value {
            Expr::Name(path) => body(path) || !followed && is_request(context, path, call),
            _ => false,
        })
}

/// A parameter of one of the functions around: `r *http.Request`, `c *gin.Context`.
fn is_request(context: Context<'_>, name: &str, call: &Call) -> bool {
    context.module.around(call.scope).flat_map(|(_, scope)| &scope.parameters).any(|parameter| {
        let kind = parameter.kind.as_deref().unwrap_or_default();
        parameter.name == name
            && (kind.ends_with(".Request")
                || kind.ends_with(".Ctx")
                || kind.ends_with(".Context") && kind != "context.Context")
    })
}
