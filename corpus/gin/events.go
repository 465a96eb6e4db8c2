package main

import (
	"context"
	"errors"
	"time"

	"github.com/cenkalti/backoff/v4"
	"github.com/go-resty/resty/v2"
	"go.uber.org/zap"
)

type events struct {
	client *resty.Client
	logger *zap.Logger
}

func newEvents(base string, logger *zap.Logger) *events {
	return &events{client: resty.New().SetBaseURL(base).SetTimeout(2 * time.Second), logger: logger}
}

func (e *events) find(ctx context.Context, id string) (found map[string]any, err error) {
	fetch := func() error {
		answer, err := e.client.R().SetContext(ctx).SetResult(&found).Get("/events/" + id)
		if err != nil {
			return err
		}
		if answer.IsError() {
			return errors.New(answer.Status())
		}
		return nil
	}
	err = backoff.Retry(fetch, backoff.WithMaxRetries(backoff.NewExponentialBackOff(), 3))
	return found, err
}
