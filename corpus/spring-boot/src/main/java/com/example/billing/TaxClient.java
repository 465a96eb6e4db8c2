package com.example.billing;

import io.github.resilience4j.circuitbreaker.annotation.CircuitBreaker;
import java.time.Duration;
import org.springframework.beans.factory.annotation.Value;
import org.springframework.boot.web.client.RestTemplateBuilder;
import org.springframework.stereotype.Component;
import org.springframework.web.client.RestTemplate;

@Component
public class TaxClient {
    private final RestTemplate http;

    public TaxClient(RestTemplateBuilder builder, @Value("${TAX_URL}") String address) {
        this.http = builder
            .rootUri(address)
            .connectTimeout(Duration.ofSeconds(1))
            .readTimeout(Duration.ofSeconds(2))
            .build();
    }

    @CircuitBreaker(name = "tax")
    public Rate rate(String country) {
        return http.getForObject("/rates/{country}", Rate.class, country);
    }

    public record Rate(double percent) {}
}
