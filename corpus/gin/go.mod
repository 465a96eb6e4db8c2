module example.com/tickets

go 1.23

require (
	github.com/cenkalti/backoff/v4 v4.3.0
	github.com/gin-gonic/gin v1.10.0
	github.com/go-resty/resty/v2 v2.16.3
	go.uber.org/zap v1.27.0
	golang.org/x/time v0.9.0
)
