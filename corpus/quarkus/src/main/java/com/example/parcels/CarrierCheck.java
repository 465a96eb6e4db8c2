package com.example.parcels;

import jakarta.enterprise.context.ApplicationScoped;
import jakarta.inject.Inject;
import org.eclipse.microprofile.health.HealthCheck;
import org.eclipse.microprofile.health.HealthCheckResponse;
import org.eclipse.microprofile.health.Readiness;
import org.eclipse.microprofile.rest.client.inject.RestClient;

@Readiness
@ApplicationScoped
public class CarrierCheck implements HealthCheck {
    @Inject
    @RestClient
    CarrierClient carrier;

    @Override
    public HealthCheckResponse call() {
        carrier.track("0");
        return HealthCheckResponse.up("carrier");
    }
}
