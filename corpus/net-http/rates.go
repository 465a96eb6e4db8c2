package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"time"

	"github.com/sony/gobreaker"
)

type rates struct {
	base    string
	client  *http.Client
	breaker *gobreaker.CircuitBreaker
}

func newRates(base string) *rates {
	return &rates{
		base:    base,
		client:  &http.Client{Timeout: 2 * time.Second},
		breaker: gobreaker.NewCircuitBreaker(gobreaker.Settings{Name: "rates", Timeout: 10 * time.Second}),
	}
}

func (r *rates) of(ctx context.Context, currency string) (float64, error) {
	rate, err := r.breaker.Execute(func() (any, error) {
		return r.fetch(ctx, currency)
	})
	if err != nil {
		return 0, err
	}
	return rate.(float64), nil
}

func (r *rates) fetch(ctx context.Context, currency string) (float64, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, r.base+"/rates/"+url.PathEscape(currency), nil)
	if err != nil {
		return 0, err
	}
	answer, err := r.client.Do(request)
	if err != nil {
		return 0, err
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		return 0, fmt.Errorf("rates answered %d", answer.StatusCode)
	}
	var body struct {
		Rate float64 `json:"rate"`
	}
	return body.Rate, json.NewDecoder(answer.Body).Decode(&body)
}
