//! Which units an entrance leads to that is declared as infrastructure: one load balancer serves many.

use std::collections::BTreeSet;

use gonogo_domain::{Classes, Node, evidence::Resource};

use crate::discovery::Unit;

/// Resources that are followed from one entrance; people stay below ten.
const MAX_FOLLOWED: usize = 64;

/// The places in `resources` of the entrances that do not lead to `unit`. With one unit, every entrance is its own.
pub(crate) fn of_others(unit: &Unit, units: &[Unit], resources: &[Resource]) -> BTreeSet<usize> {
    if units.len() < 2 {
        return BTreeSet::new();
    }
    let entrances = resources.iter().enumerate().filter(|(_, resource)| is_entrance(&resource.kind));
    let others = entrances.filter(|(_, entrance)| {
        let led_to = named(entrance, resources, units);
        if led_to.is_empty() {
            // Only what answers requests can be behind it; of several, nothing says which.
            let mut answering = units.iter().filter(|one| Classes::REACHABLE.contains(one.service.class));
            let first = answering.next();
            let only = first.is_some_and(|one| one.service.name == unit.service.name) && answering.next().is_none();
            return !only;
        }
        !led_to.contains(unit.service.name.as_str())
    });
    others.map(|(index, _)| index).collect()
}

fn is_entrance(kind: &str) -> bool {
    matches!(
        kind,
        "aws_lb_listener"
            | "aws_alb_listener"
            | "AWS::ElasticLoadBalancingV2::Listener"
            | "aws_cloudfront_distribution"
            | "google_compute_target_https_proxy"
    )
}

/// The units whose names the entrance carries, or what it is connected with: target groups, rules, services behind them.
fn named<'u>(entrance: &Resource, resources: &[Resource], units: &'u [Unit]) -> BTreeSet<&'u str> {
    let mut followed: Vec<&Resource> = vec![entrance];
    let mut next = 0;
    while let Some(one) = followed.get(next).copied() {
        next += 1;
        let connected = resources.iter().filter(|other| {
            let forward = is_behind(&other.kind) && refers(&one.body, other);
            // A rule names its listener, a service its target group.
            let backward = comes_to(&other.kind, &one.kind) && refers(&other.body, one);
            forward || backward
        });
        for other in connected {
            if followed.len() < MAX_FOLLOWED && !followed.iter().any(|known| known.place == other.place) {
                followed.push(other);
            }
        }
    }
    let behind: BTreeSet<&str> = followed.iter().skip(1).flat_map(|one| units_in(one, units)).collect();
    if behind.is_empty() { units_in(entrance, units).into_iter().collect() } else { behind }
}

fn is_behind(kind: &str) -> bool {
    matches!(
        kind,
        "aws_lb_target_group"
            | "aws_alb_target_group"
            | "AWS::ElasticLoadBalancingV2::TargetGroup"
            | "google_compute_url_map"
            | "google_compute_backend_service"
            | "aws_s3_bucket"
    )
}

/// A resource of the first kind names one of the second to be reached through it.
fn comes_to(kind: &str, target: &str) -> bool {
    match kind {
        "aws_lb_listener_rule" | "aws_alb_listener_rule" | "AWS::ElasticLoadBalancingV2::ListenerRule" => {
            is_entrance(target)
        }
        "aws_ecs_service" | "AWS::ECS::Service" | "aws_lb_target_group_attachment" | "aws_autoscaling_attachment" => {
            target.to_ascii_lowercase().replace('_', "").contains("targetgroup")
        }
        _ => false,
    }
}

/// Some value names the resource, as a word of its own: `aws_lb_target_group.shop.arn`, `!Ref ShopTargets`.
fn refers(body: &Node, other: &Resource) -> bool {
    let address = format!("{}.{}", other.kind, other.name);
    let mut found = false;
    body.walk(&mut |node| {
        let Some(text) = node.str().filter(|_| !found) else { return };
        let word = |letter: char| !(letter.is_alphanumeric() || matches!(letter, '_' | '-' | '.'));
        found = if other.kind.contains("::") {
            text.split(|letter: char| !letter.is_alphanumeric()).any(|word| word == other.name)
        } else {
            text.split(word)
                .any(|one| one.strip_prefix(&*address).is_some_and(|rest| rest.is_empty() || rest.starts_with('.')))
        };
    });
    found
}

/// The units whose name stands in the resource's; of names inside of each other the longest.
fn units_in<'u>(resource: &Resource, units: &'u [Unit]) -> Vec<&'u str> {
    let names = [
        Some(resource.name.as_str()),
        resource.body.str_at("name"),
        resource.body.str_at("Properties.Name"),
        resource.body.str_at("Name"),
    ];
    let words: Vec<String> = names.into_iter().flatten().map(words).collect();
    let inside: Vec<(&str, String)> = units
        .iter()
        .map(|unit| (unit.service.name.as_str(), self::words(&unit.service.name)))
        .filter(|(_, name)| words.iter().any(|text| text.contains(name.as_str())))
        .collect();
    let longer = |name: &str| inside.iter().any(|(_, other)| other.len() > name.len() && other.contains(name));
    inside.iter().filter(|(_, name)| !longer(name)).map(|(unit, _)| *unit).collect()
}

/// ` shop api ` of `shop-api`, `shop_api` and `ShopApi`: words between spaces, so that parts of words do not count.
fn words(name: &str) -> String {
    let mut text = String::from(" ");
    let mut small = false;
    for letter in name.chars() {
        if letter.is_alphanumeric() {
            if letter.is_uppercase() && small {
                text.push(' ');
            }
            small = letter.is_lowercase() || letter.is_numeric();
            text.extend(letter.to_lowercase());
        } else {
            small = false;
            if !text.ends_with(' ') {
                text.push(' ');
            }
        }
    }
    text.push(' ');
    text
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use crate::{Configuration, Tree, collect};

    const BALANCER: &str = r#"
resource "aws_lb_listener" "http" {
  load_balancer_arn = aws_lb.main.arn
  protocol          = "HTTP"
  default_action {
    type             = "forward"
    target_group_arn = aws_lb_target_group.TARGET.arn
  }
}
resource "aws_lb_target_group" "TARGET" {
  port = 80
}
"#;

    /// The listeners that each service is left with.
    fn check(services: &[(&str, &str)], target: &str, more: &str, expect: &[(&str, usize)]) {
        let main = format!("{}{more}", BALANCER.replace("TARGET", target));
        let tree = Tree::from_memory([("infra/main.tf".to_owned(), main.into_bytes())]);
        let stated =
            |(name, class): &(&str, &str)| format!("[service.{name}]\npath = \"{name}\"\nclass = \"{class}\"\n");
        let stated: String = services.iter().map(stated).collect();
        let configuration = Configuration::parse(&"gonogo.toml".into(), &stated, &[]).unwrap();
        let collected = collect(&tree, &configuration, date(2026, 11, 22));
        let seen: Vec<(&str, usize)> = collected
            .services
            .iter()
            .map(|facts| {
                let kinds = facts.infrastructure.items.iter().filter(|one| one.kind == "aws_lb_listener");
                (facts.service.name.as_str(), kinds.count())
            })
            .collect();
        assert_eq!(seen, expect);
    }

    #[test]
    fn a_listener_leads_to_whom_its_target_group_names() {
        let both = [("cart", "server"), ("shop", "server")];
        check(&both, "shop", "", &[("cart", 0), ("shop", 1)]);
        check(&[("shop", "server"), ("shop-api", "server")], "prod_shop_api", "", &[("shop", 0), ("shop-api", 1)]);
        // A word of its own, not a part of one.
        check(&both, "shopping_cart", "", &[("cart", 1), ("shop", 0)]);
    }

    #[test]
    fn a_listener_leads_to_the_service_that_registers_with_its_targets() {
        let service = r#"
resource "aws_ecs_service" "cart" {
  load_balancer {
    target_group_arn = aws_lb_target_group.web.arn
  }
}
"#;
        check(&[("cart", "server"), ("shop", "server")], "web", service, &[("cart", 1), ("shop", 0)]);
        let rule = r#"
resource "aws_lb_listener_rule" "r" {
  listener_arn = aws_lb_listener.http.arn
  action {
    target_group_arn = aws_lb_target_group.shop.arn
  }
}
resource "aws_lb_target_group" "shop" {
  port = 80
}
"#;
        check(&[("cart", "server"), ("shop", "server")], "web", rule, &[("cart", 0), ("shop", 1)]);
    }

    #[test]
    fn a_listener_that_names_nobody_is_the_only_servers() {
        check(&[("jobs", "worker"), ("shop", "server")], "main", "", &[("jobs", 0), ("shop", 1)]);
        check(&[("cart", "server"), ("shop", "server")], "main", "", &[("cart", 0), ("shop", 0)]);
        check(&[("shop", "server")], "other", "", &[("shop", 1)]);
    }
}
