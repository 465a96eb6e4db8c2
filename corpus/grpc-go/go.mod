module example.com/inventory

go 1.23

require (
	github.com/grpc-ecosystem/go-grpc-middleware/v2 v2.2.0
	github.com/redis/go-redis/v9 v9.7.0
	go.opentelemetry.io/contrib/instrumentation/google.golang.org/grpc/otelgrpc v0.58.0
	go.opentelemetry.io/otel v1.33.0
	go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracegrpc v1.33.0
	go.opentelemetry.io/otel/sdk v1.33.0
	google.golang.org/grpc v1.69.2
	google.golang.org/protobuf v1.36.1
)
