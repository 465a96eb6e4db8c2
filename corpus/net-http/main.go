// Ledger keeps what was paid.
package main

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

func main() {
	level := new(slog.LevelVar)
	if err := level.UnmarshalText([]byte(os.Getenv("LOG_LEVEL"))); err != nil {
		level.Set(slog.LevelInfo)
	}
	slog.SetDefault(slog.New(slog.NewJSONHandler(os.Stdout, &slog.HandlerOptions{Level: level})))

	pool, err := pgxpool.New(context.Background(), os.Getenv("DATABASE_URL"))
	if err != nil {
		slog.Error("no database", "error", err)
		os.Exit(1)
	}
	defer pool.Close()

	server := &server{store: &store{pool: pool}, rates: newRates(os.Getenv("RATES_URL"))}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /healthz", server.health)
	mux.HandleFunc("GET /livez", server.live)
	mux.Handle("GET /metrics", promhttp.Handler())
	mux.HandleFunc("GET /entries/{id}", server.entry)
	mux.HandleFunc("POST /entries", server.add)

	listener := &http.Server{
		Addr:              ":8080",
		Handler:           recovered(measured(mux)),
		ReadHeaderTimeout: 5 * time.Second,
		ReadTimeout:       10 * time.Second,
		WriteTimeout:      10 * time.Second,
	}
	go func() {
		if err := listener.ListenAndServe(); !errors.Is(err, http.ErrServerClosed) {
			slog.Error("not listening", "error", err)
			os.Exit(1)
		}
	}()

	stop, cancel := signal.NotifyContext(context.Background(), syscall.SIGTERM, os.Interrupt)
	defer cancel()
	<-stop.Done()

	drain, cancelDrain := context.WithTimeout(context.Background(), 15*time.Second)
	defer cancelDrain()
	if err := listener.Shutdown(drain); err != nil {
		slog.Error("not drained", "error", err)
	}
}
