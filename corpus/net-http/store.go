package main

import (
	"context"

	"github.com/jackc/pgx/v5/pgxpool"
)

type entry struct {
	ID       int64  `json:"id"`
	Currency string `json:"currency"`
	Cents    int64  `json:"cents"`
}

type store struct{ pool *pgxpool.Pool }

func (s *store) ping(ctx context.Context) error { return s.pool.Ping(ctx) }

func (s *store) find(ctx context.Context, id int64) (found entry, err error) {
	row := s.pool.QueryRow(ctx, "SELECT id, currency, cents FROM entries WHERE id = $1", id)
	err = row.Scan(&found.ID, &found.Currency, &found.Cents)
	return found, err
}

func (s *store) add(ctx context.Context, given entry) error {
	_, err := s.pool.Exec(ctx, "INSERT INTO entries (currency, cents) VALUES ($1, $2)", given.Currency, given.Cents)
	return err
}
