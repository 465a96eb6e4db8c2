//! Whether an entrance from outside leads to this service: in a repository of many, most are another one's.

use gonogo_domain::{Node, evidence::Object};

/// The Services that select the service's own workloads are among `objects`; an Ingress, a Gateway or a policy that
/// leads to others only is none of its entrances. Where no Service is known, everything may be.
pub(crate) fn leads_here(object: &Object, objects: &[&Object]) -> bool {
    let mine: Vec<&str> = objects
        .iter()
        .filter(|one| one.kind == "Service" && one.body.at("spec.selector").is_some())
        .map(|one| one.name.as_str())
        .collect();
    if mine.is_empty() || object.kind == "Service" {
        return true;
    }
    if object.kind != "Gateway" {
        return backends(&object.body).iter().any(|name| is_one_of(name, &mine));
    }
    objects
        .iter()
        .filter(|route| attached(route, &object.name))
        .any(|route| backends(&route.body).iter().any(|name| is_one_of(name, &mine)))
}

/// `shop`, `shop.default.svc.cluster.local`.
fn is_one_of(name: &str, mine: &[&str]) -> bool {
    mine.contains(&name.split('.').next().unwrap_or(name))
}

/// A route that the gateway of this name carries; Istio writes `namespace/name`.
fn attached(route: &Object, gateway: &str) -> bool {
    let parents = route.body.list("spec.parentRefs").iter().filter_map(|parent| parent.str_at("name"));
    let gateways = route.body.list("spec.gateways").iter().filter_map(Node::str);
    parents.chain(gateways).any(|name| name.rsplit('/').next() == Some(gateway))
}

/// The Services that a rule of any kind names.
fn backends(body: &Node) -> Vec<&str> {
    let mut names = Vec::new();
    collect(body, &mut names);
    names
}

fn collect<'a>(node: &'a Node, names: &mut Vec<&'a str>) {
    for entry in node.entries() {
        match entry.key.as_str() {
            // Ingress of v1 and of v1beta1, Istio's destination, Contour's and Traefik's services, OpenShift's `to`.
            "service" | "to" => names.extend(entry.node.str_at("name")),
            "serviceName" | "host" => names.extend(entry.node.str()),
            "backendRefs" | "services" => names.extend(entry.node.items().iter().filter_map(|one| one.str_at("name"))),
            _ => (),
        }
        collect(&entry.node, names);
    }
    node.items().iter().for_each(|item| collect(item, names));
}

#[cfg(test)]
mod tests {
    use super::*;
    use gonogo_domain::{Entry, Place, Value};

    fn map(pairs: Vec<(&str, Node)>) -> Node {
        let place = Place::whole("a.yaml");
        let entry = |(key, node): (&str, Node)| Entry { key: key.to_owned(), key_place: place.clone(), node };
        Node::new(place.clone(), Value::Mapping(pairs.into_iter().map(entry).collect()))
    }

    fn list(items: Vec<Node>) -> Node {
        Node::new(Place::whole("a.yaml"), Value::Sequence(items))
    }

    fn text(text: &str) -> Node {
        Node::text(Place::whole("a.yaml"), text)
    }

    fn object(kind: &str, name: &str, spec: Node) -> Object {
        Object {
            api_version: String::new(),
            kind: kind.to_owned(),
            name: name.to_owned(),
            namespace: None,
            labels: std::collections::BTreeMap::new(),
            environment: None,
            production: true,
            place: Place::whole("a.yaml"),
            body: map(vec![("spec", spec)]).into(),
        }
    }

    fn check(entrance: &Object, others: &[&Object], expect: bool) {
        assert_eq!(leads_here(entrance, others), expect, "{}", entrance.kind);
    }

    #[test]
    fn an_entrance_of_another_service_is_not_this_ones() {
        let service = object("Service", "shop", map(vec![("selector", map(vec![("app", text("shop"))]))]));
        let ingress = |name| {
            object("Ingress", "web", map(vec![("backend", map(vec![("service", map(vec![("name", text(name))]))]))]))
        };
        check(&ingress("shop"), &[&service], true);
        check(&ingress("cart"), &[&service], false);
        check(&ingress("cart"), &[], true);
        let gateway = object("Gateway", "web", map(vec![]));
        let route = |host| {
            let destination = map(vec![("destination", map(vec![("host", text(host))]))]);
            object(
                "VirtualService",
                "web",
                map(vec![("gateways", list(vec![text("mesh/web")])), ("http", list(vec![destination]))]),
            )
        };
        check(&gateway, &[&service, &route("shop.default.svc.cluster.local")], true);
        check(&gateway, &[&service, &route("cart")], false);
        check(&gateway, &[&service], false);
    }
}
