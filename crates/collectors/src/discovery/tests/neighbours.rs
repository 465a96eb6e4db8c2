//! What stands in a file of all services and is one neighbour's.

use super::{IMAGE, check, gather};

#[test]
fn what_names_a_neighbour_in_a_file_of_all_is_the_neighbours() {
    // Put together here, so that nobody finds a secret in this file.
    let key = ["yYrECL4qbNwleYInGJYvVnSkwJuSQJ4i", "jPTx5tirGUXrbznFIBFVJdPl5t6O9ASw"].concat();
    let compose = format!(
        "services:\n  cart:\n    build: cart\n    ports: ['80:80']\n  board:\n    build: board\n    ports: ['81:81']\n    environment:\n      - SECRET_KEY_BASE={key}\n"
    );
    let rule = |name: &str, expr: &str| {
        format!("      - alert: {name}\n        expr: {expr}\n        labels: {{severity: page}}\n")
    };
    let rules = format!(
        "groups:\n  - name: shop\n    rules:\n{}{}{}",
        rule("CartSlow", "rate(http_requests_total{service_name=\"cart\"}[5m]) > 1"),
        rule("AnySlow", "rate(http_requests_total[5m]) > 1"),
        rule("Dropped", "rate(otelcol_receiver_refused_spans_total[5m]) > 1"),
    );
    let collected = gather(
        &[
            ("compose.yaml", &*compose),
            ("cart/Dockerfile", IMAGE),
            ("board/Dockerfile", IMAGE),
            ("rules/shop.yml", &rules),
        ],
        "",
    );
    let seen: Vec<String> = collected
        .services
        .iter()
        .map(|facts| {
            let rules: Vec<&str> = facts.alert_rules.items.iter().map(|one| one.name.as_str()).collect();
            format!("{}: {} secrets, {}", facts.service.name, facts.secrets.items.len(), rules.join(" "))
        })
        .collect();
    assert_eq!(seen, ["board: 1 secrets, AnySlow", "cart: 0 secrets, CartSlow AnySlow"]);
}

#[test]
fn the_one_image_of_a_repository_goes_by_its_name_and_images_of_others_are_no_services() {
    let compose = "services:
  migrate:
    image: ghcr.io/acme/shop:latest
    command: [\"node\", \"migrate.js\"]
  shop:
    image: ghcr.io/acme/shop:latest
    ports: ['3000:3000']
    depends_on:
      migrate: {condition: service_completed_successfully}
  files:
    image: acmefiles/files:1.0
    ports: ['9000:9000']
";
    check(
        &[
            ("package.json", r#"{"name": "shop", "workspaces": ["apps/*"]}"#),
            ("apps/web/Dockerfile", "FROM node:24\nCOPY . .\nEXPOSE 3000\nCMD [\"node\", \"server.js\"]\n"),
            ("apps/web/package.json", r#"{"name": "@shop/web", "scripts": {"start": "node server.js"}}"#),
            ("apps/web/server.js", "require('http').createServer().listen(3000);\n"),
            ("docker/docker-compose.yml", compose),
        ],
        &["shop Server apps/web", "- files"],
    );
}

#[test]
fn a_project_that_tests_a_service_is_its_own_wherever_it_lies() {
    let project = |of: &str| -> String {
        format!(
            "<Project Sdk=\"Microsoft.NET.Sdk\"><ItemGroup><ProjectReference Include=\"{of}\" /></ItemGroup></Project>"
        )
    };
    let web = "<Project Sdk=\"Microsoft.NET.Sdk.Web\"></Project>";
    let program = "var app = WebApplication.CreateBuilder(args).Build();\napp.Run();\n";
    let tests = project("..\\..\\src\\Basket.API\\Basket.API.csproj");
    let both = tests.replace(
        "</ItemGroup>",
        "<ProjectReference Include=\"..\\..\\src\\Orders.API\\Orders.API.csproj\" /></ItemGroup>",
    );
    let test = "public class Tests { [Fact] public void Adds() { Assert.True(true); } }\n";
    let files = [
        ("src/Basket.API/Basket.API.csproj", web),
        ("src/Basket.API/Program.cs", program),
        ("src/Orders.API/Orders.API.csproj", web),
        ("src/Orders.API/Program.cs", program),
        ("tests/Basket.UnitTests/Basket.UnitTests.csproj", &*tests),
        ("tests/Basket.UnitTests/AddTests.cs", test),
        ("tests/Both.FunctionalTests/Both.FunctionalTests.csproj", &*both),
        ("tests/Both.FunctionalTests/BothTests.cs", test),
    ];
    let seen: Vec<String> = gather(&files, "")
        .services
        .iter()
        .map(|facts| {
            let source: Vec<&str> = facts.source.files.iter().map(|one| &*one.path).collect();
            format!("{}: {}", facts.service.name, source.join(" "))
        })
        .collect();
    assert_eq!(
        seen,
        [
            "Basket.API: src/Basket.API/Program.cs tests/Basket.UnitTests/AddTests.cs tests/Both.FunctionalTests/BothTests.cs",
            "Orders.API: src/Orders.API/Program.cs tests/Both.FunctionalTests/BothTests.cs",
        ]
    );
}
