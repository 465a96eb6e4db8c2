package main

import (
	"context"
	"time"

	"example.com/inventory/pb"
	"github.com/redis/go-redis/v9"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

type inventory struct {
	pb.UnimplementedInventoryServer
	redis     *redis.Client
	suppliers pb.SuppliersClient
}

func (i *inventory) Count(ctx context.Context, request *pb.CountRequest) (*pb.CountReply, error) {
	if request.GetSku() == "" {
		return nil, status.Error(codes.InvalidArgument, "sku is empty")
	}
	count, err := i.redis.Get(ctx, "stock:"+request.GetSku()).Int64()
	if err == redis.Nil {
		return i.order(ctx, request.GetSku())
	}
	if err != nil {
		return nil, status.Error(codes.Unavailable, "the store does not answer")
	}
	return &pb.CountReply{Count: count}, nil
}

func (i *inventory) order(ctx context.Context, sku string) (*pb.CountReply, error) {
	ctx, cancel := context.WithTimeout(ctx, 2*time.Second)
	defer cancel()
	offer, err := i.suppliers.Offer(ctx, &pb.OfferRequest{Sku: sku})
	if err != nil {
		return nil, status.Error(codes.Unavailable, "no supplier answers")
	}
	return &pb.CountReply{Count: offer.GetCount()}, nil
}

func (i *inventory) Take(ctx context.Context, request *pb.TakeRequest) (*pb.CountReply, error) {
	left, err := i.redis.DecrBy(ctx, "stock:"+request.GetSku(), request.GetQuantity()).Result()
	if err != nil {
		return nil, status.Error(codes.Unavailable, "the store does not answer")
	}
	go i.announce(request.GetSku(), left)
	return &pb.CountReply{Count: left}, nil
}

func (i *inventory) announce(sku string, left int64) {
	_, _ = i.suppliers.Announce(context.Background(), &pb.AnnounceRequest{Sku: sku, Count: left})
}
