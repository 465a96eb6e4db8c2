using System.Threading.RateLimiting;
using Basket;
using Microsoft.AspNetCore.Authentication.JwtBearer;
using Microsoft.EntityFrameworkCore;
using OpenTelemetry.Trace;

var builder = WebApplication.CreateBuilder(args);

builder.Logging.ClearProviders();
builder.Logging.AddJsonConsole();

builder.Services.AddDbContext<BasketContext>(options =>
    options.UseNpgsql(builder.Configuration.GetConnectionString("Baskets")));
builder.Services
    .AddHttpClient<PricesClient>(client =>
    {
        client.BaseAddress = new Uri(builder.Configuration["PRICES_URL"]!);
        client.Timeout = TimeSpan.FromSeconds(5);
    })
    .AddStandardResilienceHandler();
builder.Services.AddAuthentication(JwtBearerDefaults.AuthenticationScheme).AddJwtBearer();
builder.Services.AddAuthorization();
builder.Services.AddHealthChecks().AddNpgSql(builder.Configuration.GetConnectionString("Baskets")!);
builder.Services.AddRateLimiter(options =>
{
    options.GlobalLimiter = PartitionedRateLimiter.Create<HttpContext, string>(context =>
        RateLimitPartition.GetFixedWindowLimiter(
            context.Connection.RemoteIpAddress?.ToString() ?? "none",
            _ => new FixedWindowRateLimiterOptions { PermitLimit = 100, Window = TimeSpan.FromMinutes(1) }));
});
builder.Services.AddOpenTelemetry().WithTracing(tracing => tracing
    .AddAspNetCoreInstrumentation()
    .AddHttpClientInstrumentation()
    .AddOtlpExporter());

var app = builder.Build();

app.UseExceptionHandler("/error");
app.UseRateLimiter();
app.UseAuthentication();
app.UseAuthorization();

app.MapHealthChecks("/healthz");

app.MapGet("/baskets/{id:int}", async (int id, BasketContext db) =>
    await db.Lines.FirstOrDefaultAsync(line => line.Id == id) is { } line ? Results.Ok(line) : Results.NotFound())
    .RequireAuthorization();

app.MapPost("/baskets", async (Line line, BasketContext db, PricesClient prices, ILogger<Program> log) =>
{
    line.Cents = await prices.PriceAsync(line.Sku);
    db.Lines.Add(line);
    await db.SaveChangesAsync();
    log.LogInformation("line {Id} added", line.Id);
    return Results.Created($"/baskets/{line.Id}", line);
}).RequireAuthorization();

app.MapDelete("/baskets/{id:int}", async (int id, BasketContext db) =>
{
    try
    {
        await db.Lines.Where(line => line.Id == id).ExecuteDeleteAsync();
    }
    catch (Exception)
    {
    }
    return Results.NoContent();
});

app.Run();
