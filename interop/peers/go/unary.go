package main

import (
	"context"

	"github.com/golang/protobuf/proto"
	"google.golang.org/grpc/codes"
	pb "grpc/testing"
)

// Cases of one request and one response.

func zeros(size int) *pb.Payload {
	return &pb.Payload{Body: make([]byte, size)}
}

// largeCall makes the one call that many cases make.
func largeCall(ctx context.Context, client pb.TestServiceClient, requestSize, responseSize int) error {
	response, err := client.UnaryCall(ctx, &pb.SimpleRequest{ResponseSize: int32(responseSize), Payload: zeros(requestSize)})
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

func statusCodeAndMessage(ctx context.Context, run run) error {
	expected := &pb.EchoStatus{Code: int32(codes.Unknown), Message: statusMessage}
	_, err := run.test.UnaryCall(ctx, &pb.SimpleRequest{ResponseStatus: expected})
	if err := expectStatus("UnaryCall", err, codes.Unknown, statusMessage); err != nil {
		return err
	}
	stream, err := run.test.FullDuplexCall(ctx)
	if err != nil {
		return err
	}
	if err := send(stream, &pb.StreamingOutputCallRequest{ResponseStatus: expected}); err != nil {
		return err
	}
	if err := stream.CloseSend(); err != nil {
		return err
	}
	_, err = receiveAll(stream, nil)
	return expectStatus("FullDuplexCall", err, codes.Unknown, statusMessage)
}

func specialStatus(ctx context.Context, run run) error {
	expected := &pb.EchoStatus{Code: int32(codes.Unknown), Message: specialStatusMessage}
	_, err := run.test.UnaryCall(ctx, &pb.SimpleRequest{ResponseStatus: expected})
	return expectStatus("UnaryCall", err, codes.Unknown, specialStatusMessage)
}

func unimplementedMethod(ctx context.Context, run run) error {
	_, err := run.test.UnimplementedCall(ctx, &pb.Empty{})
	return expectCode("TestService/UnimplementedCall", err, codes.Unimplemented)
}

func unimplementedService(ctx context.Context, run run) error {
	_, err := run.unimplemented.UnimplementedCall(ctx, &pb.Empty{})
	return expectCode("UnimplementedService/UnimplementedCall", err, codes.Unimplemented)
}
