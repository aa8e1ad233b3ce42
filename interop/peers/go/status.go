package main

import (
	"context"

	"google.golang.org/grpc/codes"
	pb "grpc/testing"
)

// Statuses that servers answer with.

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
