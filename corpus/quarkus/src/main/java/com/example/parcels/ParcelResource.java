package com.example.parcels;

import io.quarkus.security.Authenticated;
import jakarta.inject.Inject;
import jakarta.ws.rs.GET;
import jakarta.ws.rs.POST;
import jakarta.ws.rs.Path;
import jakarta.ws.rs.PathParam;
import org.eclipse.microprofile.rest.client.inject.RestClient;
import org.jboss.logging.Logger;

@Path("/parcels")
public class ParcelResource {
    private static final Logger LOG = Logger.getLogger(ParcelResource.class);

    @Inject
    @RestClient
    CarrierClient carrier;

    @GET
    @Path("/{id}")
    @Authenticated
    public CarrierClient.Track track(@PathParam("id") String id) {
        LOG.info("track asked for");
        return carrier.track(id);
    }

    @POST
    @Path("/{id}/claims")
    public void claim(@PathParam("id") String id, Claim claim) {
        System.out.println("claim " + id + " " + claim.reason());
    }

    public record Claim(String reason) {}
}
