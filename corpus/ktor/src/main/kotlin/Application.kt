import io.ktor.http.HttpStatusCode
import io.ktor.server.application.Application
import io.ktor.server.application.install
import io.ktor.server.auth.Authentication
import io.ktor.server.auth.UserIdPrincipal
import io.ktor.server.auth.authenticate
import io.ktor.server.auth.bearer
import io.ktor.server.engine.embeddedServer
import io.ktor.server.metrics.micrometer.MicrometerMetrics
import io.ktor.server.netty.Netty
import io.ktor.server.plugins.statuspages.StatusPages
import io.ktor.server.request.receiveText
import io.ktor.server.response.respond
import io.ktor.server.response.respondText
import io.ktor.server.routing.delete
import io.ktor.server.routing.get
import io.ktor.server.routing.post
import io.ktor.server.routing.routing
import io.micrometer.prometheusmetrics.PrometheusConfig
import io.micrometer.prometheusmetrics.PrometheusMeterRegistry
import org.slf4j.LoggerFactory

private val log = LoggerFactory.getLogger("notes")

fun main() {
    embeddedServer(Netty, port = 8080, module = Application::notes).start(wait = true)
}

fun Application.notes() {
    val registry = PrometheusMeterRegistry(PrometheusConfig.DEFAULT)
    val mirror = Mirror(System.getenv("MIRROR_URL"))
    val token = System.getenv("API_TOKEN")

    install(MicrometerMetrics) { this.registry = registry }
    install(StatusPages) {
        exception<Throwable> { call, cause ->
            log.error("request failed", cause)
            call.respondText("{\"error\":\"internal\"}", status = HttpStatusCode.InternalServerError)
        }
    }
    install(Authentication) {
        bearer("token") {
            authenticate { given -> if (given.token == token) UserIdPrincipal("owner") else null }
        }
    }

    routing {
        get("/health") {
            call.respondText("ok")
        }
        get("/metrics") {
            call.respondText(registry.scrape())
        }
        authenticate("token") {
            get("/notes/{id}") {
                call.respondText(mirror.note(call.parameters["id"]!!))
            }
            post("/notes") {
                println("note of " + call.receiveText().length)
                call.respond(HttpStatusCode.Created)
            }
        }
        delete("/notes/{id}") {
            call.respond(HttpStatusCode.NoContent)
        }
    }
}
