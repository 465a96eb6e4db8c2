//! `[driver.…]`: what moves the traffic.

use std::{collections::BTreeMap, time::Duration};

use gonogo_actuators::{
    command::{self, Counted, Line},
    haproxy,
};
use gonogo_collectors::configuration::table::Table;

use super::{DriverFile, time};

pub(super) fn driver(root: &Table<'_>) -> Option<DriverFile> {
    let Some(section) = root.table("driver") else {
        root.error("driver", "`driver` is missing: [driver.kubernetes], [driver.haproxy] or [driver.command]");
        return None;
    };
    let haproxy = section.table("haproxy").and_then(|table| haproxy(&table));
    let script = section.table("command").and_then(|table| script(&table));
    let cluster = section.table("kubernetes").and_then(|table| crate::cluster::kubernetes(&table));
    section.finish();
    match (haproxy, script, cluster) {
        (Some(config), None, None) => Some(DriverFile::HaProxy(config)),
        (None, Some(config), None) => Some(DriverFile::Script(config)),
        (None, None, Some(settings)) => Some(DriverFile::Kubernetes(settings)),
        (None, None, None) => {
            if ["haproxy", "command", "kubernetes"].into_iter().all(|name| section.table(name).is_none()) {
                root.error("driver", "which driver? [driver.kubernetes], [driver.haproxy] or [driver.command]");
            }
            None
        }
        _ => {
            root.error("driver", "one driver, not two");
            None
        }
    }
}

fn haproxy(table: &Table<'_>) -> Option<haproxy::Config> {
    let socket = table.required_text("socket");
    let backend = table.required_text("backend");
    let groups: BTreeMap<String, Vec<String>> = match table.table("groups") {
        None => {
            table.error("groups", "`groups` is missing: two groups of servers, of which one has the traffic");
            BTreeMap::new()
        }
        Some(groups) => groups.lists_of_texts(),
    };
    let version = match table.table("version") {
        None => {
            table.error("version", "`version` is missing: where a server says which revision it runs");
            None
        }
        Some(version) => {
            let read = version.required_text("path").map(|path| (path, version.text("pointer")));
            version.finish();
            read.map(|(path, pointer)| haproxy::Version { path, pointer })
        }
    };
    let prepare = line(table, "prepare");
    table.finish();
    let (socket, backend, version) = (socket?, backend?, version?);
    Some(haproxy::Config { socket: haproxy::Address(socket), backend, groups, version, prepare })
}

fn script(table: &Table<'_>) -> Option<command::Config> {
    let verb = |key: &'static str| {
        let read = line(table, key);
        if read.is_none() && table.place_of(key).is_none() {
            table.error(key, &format!("`{key}` is missing: [\"program\", \"argument\"]"));
        }
        read
    };
    let verbs = (
        verb("observe"),
        verb("prepare"),
        verb("set_share"),
        verb("promote"),
        verb("retire"),
        verb("abort"),
        verb("undo"),
    );
    let unit =
        table.choice("unit", &[("weights", Counted::Weights), ("replicas", Counted::Replicas)]).unwrap_or_default();
    table.finish();
    let (Some(observe), Some(prepare), Some(set_share), Some(promote), Some(retire), Some(abort), Some(undo)) = verbs
    else {
        return None;
    };
    Some(command::Config { observe, prepare, set_share, promote, retire, abort, undo, unit })
}

/// `["program", "argument"]`, with the patience of all commands of its table.
pub(super) fn line(table: &Table<'_>, key: &'static str) -> Option<Line> {
    table.place_of(key)?;
    let words = table.texts(key);
    if words.is_empty() {
        return None;
    }
    let patience = time(table, "patience").and_then(|time| Duration::try_from(time).ok());
    Some(Line { words, patience: patience.unwrap_or(Duration::from_mins(1)) })
}
