package main

import (
	"context"
	"log/slog"
	"net"
	"os"
	"os/signal"
	"syscall"

	"example.com/inventory/pb"
	"github.com/grpc-ecosystem/go-grpc-middleware/v2/interceptors/recovery"
	"github.com/redis/go-redis/v9"
	"go.opentelemetry.io/contrib/instrumentation/google.golang.org/grpc/otelgrpc"
	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracegrpc"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/sdk/trace"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/health"
	healthpb "google.golang.org/grpc/health/grpc_health_v1"
)

func main() {
	slog.SetDefault(slog.New(slog.NewJSONHandler(os.Stdout, nil)))
	ctx, cancel := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer cancel()

	exporter, err := otlptracegrpc.New(ctx)
	if err != nil {
		slog.Error("no exporter", "error", err)
		os.Exit(1)
	}
	provider := trace.NewTracerProvider(trace.WithBatcher(exporter))
	otel.SetTracerProvider(provider)
	otel.SetTextMapPropagator(propagation.TraceContext{})

	suppliers, err := grpc.NewClient(os.Getenv("SUPPLIERS_ADDRESS"),
		grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithStatsHandler(otelgrpc.NewClientHandler()))
	if err != nil {
		slog.Error("no suppliers", "error", err)
		os.Exit(1)
	}
	defer suppliers.Close()

	server := grpc.NewServer(
		grpc.StatsHandler(otelgrpc.NewServerHandler()),
		grpc.ChainUnaryInterceptor(recovery.UnaryServerInterceptor()),
	)
	pb.RegisterInventoryServer(server, &inventory{
		redis:     redis.NewClient(&redis.Options{Addr: os.Getenv("REDIS_ADDRESS")}),
		suppliers: pb.NewSuppliersClient(suppliers),
	})
	healthpb.RegisterHealthServer(server, health.NewServer())

	listener, err := net.Listen("tcp", ":9090")
	if err != nil {
		slog.Error("not listening", "error", err)
		os.Exit(1)
	}
	go func() {
		<-ctx.Done()
		server.GracefulStop()
	}()
	if err := server.Serve(listener); err != nil {
		slog.Error("stopped", "error", err)
	}
}
