package main

import (
	"context"
	"io"
	"time"

	"google.golang.org/grpc/codes"
	pb "grpc/testing"
)

// Calls that their caller ends: by a deadline, by cancelling.

func timeoutOnSleepingServer(ctx context.Context, run run) error {
	ctx, cancel := context.WithTimeout(ctx, time.Millisecond)
	defer cancel()
	stream, err := run.test.FullDuplexCall(ctx)
	if err == nil {
		// Whether it still leaves is a matter of luck.
		_ = send(stream, outputRequest(requestSizes[0]))
		_, err = receiveAll(stream, nil)
	}
	return expectCode("the call", err, codes.DeadlineExceeded)
}

func cancelAfterBegin(ctx context.Context, run run) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	stream, err := run.test.StreamingInputCall(ctx)
	if err != nil {
		return err
	}
	cancel()
	// Not CloseAndRecv, whose half-close may fail first.
	err = stream.RecvMsg(&pb.StreamingInputCallResponse{})
	return expectCode("the call", err, codes.Canceled)
}

func cancelAfterFirstResponse(ctx context.Context, run run) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	stream, err := run.test.FullDuplexCall(ctx)
	if err != nil {
		return err
	}
	if err := send(stream, outputRequest(requestSizes[0], responseSizes[0])); err != nil {
		return err
	}
	response, err := stream.Recv()
	if err == io.EOF {
		return expect("end of the responses before the first", true, false)
	}
	if err != nil {
		return err
	}
	if err := expectPayload("the first response", response.Payload, responseSizes[0]); err != nil {
		return err
	}
	cancel()
	_, err = stream.Recv()
	return expectCode("the call", err, codes.Canceled)
}
