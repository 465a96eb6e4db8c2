//! Tells the weather.

use std::time::Duration;

use actix_governor::{Governor, GovernorConfigBuilder};
use actix_web::{get, post, web, App, HttpResponse, HttpServer, Responder};
use moka::future::Cache;
use serde::{Deserialize, Serialize};

#[derive(Clone, Deserialize, Serialize)]
struct Weather {
    celsius: f64,
}

#[derive(Deserialize)]
struct Report {
    place: String,
    celsius: f64,
}

struct Shared {
    http: reqwest::Client,
    known: Cache<String, Weather>,
    upstream: String,
}

#[get("/health")]
async fn health() -> impl Responder {
    "ok"
}

#[get("/weather/{place}")]
async fn weather(shared: web::Data<Shared>, place: web::Path<String>) -> HttpResponse {
    if let Some(known) = shared.known.get(place.as_str()).await {
        return HttpResponse::Ok().json(known);
    }
    let answer = shared.http.get(format!("{}/{}", shared.upstream, place)).send().await;
    match answer {
        Ok(answer) => match answer.json::<Weather>().await {
            Ok(weather) => {
                shared.known.insert(place.into_inner(), weather.clone()).await;
                HttpResponse::Ok().json(weather)
            }
            Err(error) => {
                log::error!("the upstream sent something else: {error}");
                HttpResponse::BadGateway().finish()
            }
        },
        Err(error) => {
            log::error!("the upstream does not answer: {error}");
            HttpResponse::BadGateway().finish()
        }
    }
}

#[post("/reports")]
async fn report(body: web::Json<Report>) -> HttpResponse {
    log::info!("{} in {}", body.celsius, body.place);
    HttpResponse::Accepted().finish()
}

#[actix_web::main]
async fn main() -> std::io::Result<()> {
    env_logger::init();
    let upstream = std::env::var("UPSTREAM_URL").expect("UPSTREAM_URL is set");
    let shared = web::Data::new(Shared {
        http: reqwest::Client::new(),
        known: Cache::builder().max_capacity(10_000).time_to_live(Duration::from_secs(60)).build(),
        upstream,
    });
    let limit = GovernorConfigBuilder::default().requests_per_second(5).burst_size(20).finish().expect("a limit");
    HttpServer::new(move || {
        App::new()
            .wrap(Governor::new(&limit))
            .app_data(shared.clone())
            .app_data(web::JsonConfig::default().limit(4096))
            .service(health)
            .service(weather)
            .service(report)
    })
    .bind(("0.0.0.0", 8080))?
    .shutdown_timeout(20)
    .run()
    .await
}
