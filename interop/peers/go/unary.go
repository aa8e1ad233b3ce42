package main

import (
	"context"

	"github.com/golang/protobuf/proto"
	pb "grpc/testing"
)

// Cases of one request and one response.

func zeroPayload(size int) *pb.Payload {
	return &pb.Payload{Body: make([]byte, size)}
}

// largeCall makes the one call that many cases make.
func largeCall(ctx context.Context, client pb.TestServiceClient, requestSize, responseSize int) error {
	response, err := client.UnaryCall(ctx, &pb.SimpleRequest{ResponseSize: int32(responseSize), Payload: zeroPayload(requestSize)})
	if err != nil {
		return err
	}
	return expectPayload("the response's payload", response.Payload, responseSize)
}

func emptyUnary(ctx context.Context, run run) error {
	response, err := run.test.EmptyCall(ctx, &pb.Empty{})
	if err != nil {
		return err
	}
	return expect("size of the response", proto.Size(response), 0)
}

func largeUnary(ctx context.Context, run run) error {
	return largeCall(ctx, run.test, largeRequestSize, largeResponseSize)
}
