package main

import (
	"context"
	"fmt"

	"google.golang.org/grpc"
	"google.golang.org/grpc/metadata"
	pb "grpc/testing"
)

// Metadata that goes out with a call and comes back as headers and trailers.

func expectEchoed(what string, headers, trailers metadata.MD) error {
	return first(
		expect(echoInitialKey+" in the headers of "+what, only(headers, echoInitialKey), echoInitialValue),
		expect(echoTrailingKey+" in the trailers of "+what, hex(only(trailers, echoTrailingKey)), hex(echoTrailingValue)),
	)
}

// only returns the value where there is one, and otherwise all that there are.
func only(md metadata.MD, key string) interface{} {
	switch values := md.Get(key); len(values) {
	case 0:
		return nil
	case 1:
		return values[0]
	default:
		return fmt.Sprint(values)
	}
}

// hexText is shown as it is.
type hexText string

func (text hexText) String() string { return string(text) }

func hex(value interface{}) interface{} {
	if value == nil {
		return nil
	}
	return hexText(fmt.Sprintf("%#x", value))
}

func customMetadata(ctx context.Context, run run) error {
	ctx = metadata.AppendToOutgoingContext(ctx, echoInitialKey, echoInitialValue, echoTrailingKey, echoTrailingValue)
	if err := unaryMetadata(ctx, run); err != nil {
		return err
	}
	return duplexMetadata(ctx, run)
}

func unaryMetadata(ctx context.Context, run run) error {
	request := &pb.SimpleRequest{ResponseSize: largeResponseSize, Payload: zeroPayload(largeRequestSize)}
	var headers, trailers metadata.MD
	response, err := run.test.UnaryCall(ctx, request, grpc.Header(&headers), grpc.Trailer(&trailers))
	if err != nil {
		return err
	}
	return first(
		expectPayload("UnaryCall's payload", response.Payload, largeResponseSize),
		expectEchoed("UnaryCall", headers, trailers),
	)
}

func duplexMetadata(ctx context.Context, run run) error {
	stream, err := run.test.FullDuplexCall(ctx)
	if err != nil {
		return err
	}
	if err := send(stream, outputRequest(largeRequestSize, largeResponseSize)); err != nil {
		return err
	}
	if err := stream.CloseSend(); err != nil {
		return err
	}
	if err := expectResponses(stream, []int{largeResponseSize}, nil); err != nil {
		return err
	}
	headers, err := stream.Header()
	if err != nil {
		return err
	}
	return expectEchoed("FullDuplexCall", headers, stream.Trailer())
}
