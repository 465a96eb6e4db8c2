package main

import (
	"net/http"
	"os"

	"github.com/gin-gonic/gin"
	"go.uber.org/zap"
	"golang.org/x/time/rate"
)

type booking struct {
	Event string `json:"event" binding:"required,max=40"`
	Seats int    `json:"seats" binding:"required,min=1,max=8"`
}

func main() {
	logger, err := zap.NewProduction()
	if err != nil {
		panic(err)
	}
	defer logger.Sync()
	events := newEvents(os.Getenv("EVENTS_URL"), logger)
	work := make(chan booking)
	waiting := []booking{}
	go func() {
		for one := range work {
			waiting = append(waiting, one)
		}
	}()

	router := gin.New()
	router.Use(gin.Recovery())

	router.GET("/health", func(c *gin.Context) { c.JSON(http.StatusOK, gin.H{"status": "ok"}) })

	api := router.Group("/api", limited(rate.NewLimiter(50, 100)))
	api.GET("/events/:id", func(c *gin.Context) {
		event, err := events.find(c.Request.Context(), c.Param("id"))
		if err != nil {
			logger.Error("no event", zap.Error(err))
			c.JSON(http.StatusBadGateway, gin.H{"error": "events_down"})
			return
		}
		c.JSON(http.StatusOK, event)
	})

	owned := api.Group("/bookings", gin.BasicAuth(gin.Accounts{"desk": os.Getenv("DESK_PASSWORD")}))
	owned.POST("", func(c *gin.Context) {
		c.Request.Body = http.MaxBytesReader(c.Writer, c.Request.Body, 4096)
		var given booking
		if err := c.ShouldBindJSON(&given); err != nil {
			c.JSON(http.StatusUnprocessableEntity, gin.H{"error": "invalid"})
			return
		}
		work <- given
		c.Status(http.StatusAccepted)
	})

	if err := router.Run(":8080"); err != nil {
		logger.Fatal("not listening", zap.Error(err))
	}
}

func limited(limiter *rate.Limiter) gin.HandlerFunc {
	return func(c *gin.Context) {
		if !limiter.Allow() {
			c.AbortWithStatus(http.StatusTooManyRequests)
			return
		}
		c.Next()
	}
}
