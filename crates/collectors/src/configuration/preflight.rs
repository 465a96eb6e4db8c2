//! `[service.NAME.preflight]`: what is asked before a release.

use gonogo_domain::preflight::{Preflight, Reported, StatusPagePlan, VendorPlan};

use super::table::Table;

pub(super) fn preflight(table: &Table<'_>) -> Preflight {
    let preflight = Preflight {
        place: Some(table.place().clone()),
        version: table.table("version").and_then(|table| reported(&table)),
        staging: table.table("staging").and_then(|table| reported(&table)),
        status_pages: table.tables("status_page").iter().filter_map(status_page).collect(),
        vendors: table.tables("vendor").iter().filter_map(vendor).collect(),
        keys: table.texts("keys"),
        rollout: below_root(table, "rollout"),
        prometheus: table.text("prometheus"),
        job: table.text("job"),
    };
    table.finish();
    preflight
}

fn reported(table: &Table<'_>) -> Option<Reported> {
    let (url, field) = (table.required_text("url"), pointer(table, "field"));
    table.finish();
    Some(Reported { url: url?, field })
}

fn status_page(table: &Table<'_>) -> Option<StatusPagePlan> {
    let (name, url, component) = (table.required_text("name"), table.required_text("url"), table.text("component"));
    table.finish();
    Some(StatusPagePlan { name: name?, url: url?, component })
}

fn vendor(table: &Table<'_>) -> Option<VendorPlan> {
    let (name, url) = (table.required_text("name"), table.required_text("url"));
    let (header, variable) = (table.text("header"), table.text("key"));
    let (field, is) = (pointer(table, "field"), table.text("is"));
    table.finish();
    if header.is_some() != variable.is_some() {
        table.error("header", "`header` names the header that carries the key, and `key` the variable that holds it");
        return None;
    }
    if field.is_some() != is.is_some() {
        table.error("field", "`field` points into the answer, and `is` says what has to stand there");
        return None;
    }
    Some(VendorPlan { name: name?, url: url?, header: header.zip(variable), expect: field.zip(is) })
}

fn pointer(table: &Table<'_>, key: &'static str) -> Option<String> {
    let pointer = table.text(key)?;
    if !pointer.starts_with('/') {
        table.error(key, "a JSON pointer begins with a slash: \"/version\"");
        return None;
    }
    Some(pointer)
}

/// A file of the repository.
fn below_root(table: &Table<'_>, key: &'static str) -> Option<String> {
    let path = table.text(key)?;
    if path.starts_with('/') || path.split('/').any(|part| part == "..") {
        table.error(key, "a file below the root of the repository");
        return None;
    }
    Some(path)
}
