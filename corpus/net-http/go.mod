module example.com/ledger

go 1.23

require (
	github.com/jackc/pgx/v5 v5.7.2
	github.com/prometheus/client_golang v1.20.5
	github.com/sony/gobreaker v1.0.0
	golang.org/x/time v0.9.0
)
