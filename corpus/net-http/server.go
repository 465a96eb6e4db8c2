package main

import (
	"context"
	"encoding/json"
	"log/slog"
	"net/http"
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"
)

var (
	requests = promauto.NewCounterVec(prometheus.CounterOpts{
		Name: "http_requests_total",
		Help: "Requests by route and status.",
	}, []string{"route", "status"})
	duration = promauto.NewHistogramVec(prometheus.HistogramOpts{
		Name: "http_request_duration_seconds",
		Help: "How long requests take.",
	}, []string{"route"})
)

type server struct {
	store *store
	rates *rates
}

func (s *server) live(w http.ResponseWriter, r *http.Request) {
	w.WriteHeader(http.StatusNoContent)
}

func (s *server) health(w http.ResponseWriter, r *http.Request) {
	ctx, cancel := context.WithTimeout(r.Context(), time.Second)
	defer cancel()
	status := map[string]string{"database": "up", "rates": "up"}
	code := http.StatusOK
	if err := s.store.ping(ctx); err != nil {
		status["database"], code = "down", http.StatusServiceUnavailable
	}
	if _, err := s.rates.of(ctx, "EUR"); err != nil {
		status["rates"], code = "down", http.StatusServiceUnavailable
	}
	answer(w, code, status)
}

func (s *server) entry(w http.ResponseWriter, r *http.Request) {
	ctx, cancel := context.WithTimeout(r.Context(), 2*time.Second)
	defer cancel()
	id, err := strconv.ParseInt(r.PathValue("id"), 10, 64)
	if err != nil {
		answer(w, http.StatusBadRequest, map[string]string{"error": "bad_id"})
		return
	}
	found, err := s.store.find(ctx, id)
	if err != nil {
		slog.ErrorContext(ctx, "entry not read", "id", id, "error", err)
		answer(w, http.StatusInternalServerError, map[string]string{"error": "internal"})
		return
	}
	answer(w, http.StatusOK, found)
}

func (s *server) add(w http.ResponseWriter, r *http.Request) {
	var given entry
	if err := json.NewDecoder(r.Body).Decode(&given); err != nil {
		answer(w, http.StatusBadRequest, map[string]string{"error": "bad_body"})
		return
	}
	rate, err := s.rates.of(r.Context(), given.Currency)
	if err != nil {
		answer(w, http.StatusBadGateway, map[string]string{"error": "no_rate"})
		return
	}
	given.Cents = int64(float64(given.Cents) * rate)
	if err := s.store.add(r.Context(), given); err != nil {
		answer(w, http.StatusInternalServerError, map[string]string{"error": "internal"})
		return
	}
	w.WriteHeader(http.StatusCreated)
}

func answer(w http.ResponseWriter, code int, body any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(code)
	_ = json.NewEncoder(w).Encode(body)
}

type recorder struct {
	http.ResponseWriter
	status int
}

func (r *recorder) WriteHeader(status int) {
	r.status = status
	r.ResponseWriter.WriteHeader(status)
}

func measured(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		begun := time.Now()
		seen := &recorder{ResponseWriter: w, status: http.StatusOK}
		next.ServeHTTP(seen, r)
		duration.WithLabelValues(r.Pattern).Observe(time.Since(begun).Seconds())
		requests.WithLabelValues(r.Pattern, strconv.Itoa(seen.status)).Inc()
	})
}

func recovered(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		defer func() {
			if caught := recover(); caught != nil {
				slog.Error("panic", "value", caught)
				answer(w, http.StatusInternalServerError, map[string]string{"error": "internal"})
			}
		}()
		next.ServeHTTP(w, r)
	})
}
