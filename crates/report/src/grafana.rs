//! A dashboard as Grafana imports and provisions it.

use std::io::{self, Write};

use gonogo_domain::alerts::{Dashboard, Mark, Panel};
use serde_json::{Value, json};

/// Cells: the grid is 24 wide.
const WIDTH: u32 = 12;
const HEIGHT: u32 = 8;

/// Writes the file. The data source is a variable, so that the file holds in every Grafana.
pub fn write(dashboard: &Dashboard, out: &mut dyn Write) -> io::Result<()> {
    serde_json::to_writer_pretty(&mut *out, &value(dashboard))?;
    writeln!(out)
}

fn value(dashboard: &Dashboard) -> Value {
    let (mut panels, mut id, mut y) = (Vec::new(), 0_u32, 0_u32);
    for row in &dashboard.rows {
        id += 1;
        panels.push(json!({
            "id": id, "type": "row", "title": row.title, "collapsed": false, "panels": [],
            "gridPos": {"h": 1, "w": 2 * WIDTH, "x": 0, "y": y},
        }));
        y += 1;
        for (column, one) in (0_u32..).zip(&row.panels) {
            id += 1;
            let (x, down) = (column % 2 * WIDTH, column / 2 * HEIGHT);
            panels.push(panel(one, id, &json!({"h": HEIGHT, "w": WIDTH, "x": x, "y": y + down})));
        }
        y += u32::try_from(row.panels.len().div_ceil(2)).unwrap_or(u32::MAX / HEIGHT / 2) * HEIGHT;
    }
    json!({
        "uid": dashboard.uid,
        "title": dashboard.title,
        "tags": dashboard.tags,
        "schemaVersion": 39,
        "refresh": "30s",
        "time": {"from": "now-6h", "to": "now"},
        "templating": {"list": [{
            "name": "datasource", "type": "datasource", "query": "prometheus", "label": "Prometheus",
        }]},
        "annotations": {"list": dashboard.marks.iter().map(mark).collect::<Vec<_>>()},
        "panels": panels,
    })
}

fn source() -> Value {
    json!({"type": "prometheus", "uid": "${datasource}"})
}

fn panel(panel: &Panel, id: u32, grid: &Value) -> Value {
    let targets: Vec<Value> = ('A'..='Z')
        .zip(&panel.queries)
        .map(|(letter, query)| {
            json!({"refId": letter, "expr": query.expr, "legendFormat": query.legend, "datasource": source()})
        })
        .collect();
    json!({
        "id": id,
        "type": "timeseries",
        "title": panel.title,
        "description": panel.description,
        "datasource": source(),
        "gridPos": grid,
        "fieldConfig": {"defaults": {"unit": panel.unit}, "overrides": []},
        "targets": targets,
    })
}

fn mark(mark: &Mark) -> Value {
    match mark {
        Mark::Query { name, expr, text } => json!({
            "name": name, "enable": true, "iconColor": "blue", "datasource": source(),
            "expr": expr, "titleFormat": text, "step": "60s",
        }),
        Mark::Tags { name, tags } => json!({
            "name": name, "enable": true, "iconColor": "purple",
            "datasource": {"type": "grafana", "uid": "-- Grafana --"},
            "target": {"type": "tags", "tags": tags, "matchAny": false, "limit": 100},
        }),
    }
}
