package main

import (
	"context"
	"fmt"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/encoding/gzip"
	pb "grpc/testing"
)

// Messages that are compressed, one by one, in either direction.

func wish(value bool) *pb.BoolValue {
	return &pb.BoolValue{Value: value}
}

// The probe: a server that looks refuses what says that it is compressed, and is not.
const probed = "the uncompressed request that is expected to be compressed"

func clientCompressedUnary(ctx context.Context, run run) error {
	call := func(expectCompressed bool, options ...grpc.CallOption) (*pb.SimpleResponse, error) {
		return run.test.UnaryCall(ctx, &pb.SimpleRequest{
			ExpectCompressed: wish(expectCompressed),
			ResponseSize:     largeResponseSize,
			Payload:          zeroPayload(largeRequestSize),
		}, options...)
	}
	_, err := call(true)
	if err := expectCode(probed, err, codes.InvalidArgument); err != nil {
		return err
	}
	response, err := call(true, grpc.UseCompressor(gzip.Name))
	if err != nil {
		return err
	}
	if err := expectPayload("the response to the compressed request", response.Payload, largeResponseSize); err != nil {
		return err
	}
	response, err = call(false)
	if err != nil {
		return err
	}
	return expectPayload("the response to the uncompressed request", response.Payload, largeResponseSize)
}

func clientCompressedStreaming(ctx context.Context, run run) error {
	request := func(size int, expectCompressed bool) *pb.StreamingInputCallRequest {
		return &pb.StreamingInputCallRequest{ExpectCompressed: wish(expectCompressed), Payload: zeroPayload(size)}
	}
	probe, err := run.test.StreamingInputCall(ctx)
	if err != nil {
		return err
	}
	if err := send(probe, request(compressedRequestSizes[0], true)); err != nil {
		return err
	}
	_, err = probe.CloseAndRecv()
	if err := expectCode(probed, err, codes.InvalidArgument); err != nil {
		return err
	}

	stream, err := run.test.StreamingInputCall(ctx, grpc.UseCompressor(gzip.Name))
	if err != nil {
		return err
	}
	if err := send(stream, request(compressedRequestSizes[0], true)); err != nil {
		return err
	}
	// A stream compresses every message that it encodes. One that is encoded for a stream that does not, as the probe's
	// does not, goes out as it is.
	var uncompressed grpc.PreparedMsg
	if err := uncompressed.Encode(probe, request(compressedRequestSizes[1], false)); err != nil {
		return err
	}
	if err := send(stream, &uncompressed); err != nil {
		return err
	}
	response, err := stream.CloseAndRecv()
	if err != nil {
		return err
	}
	return expect("aggregated_payload_size", int(response.AggregatedPayloadSize), sumOfCompressedRequestSizes)
}

// A call accepts compressed responses. grpc-go says so only in a call that compresses its requests: grpc/grpc-go#2786.
var accepting = grpc.UseCompressor(gzip.Name)

func serverCompressedUnary(ctx context.Context, run run) error {
	for _, compressed := range []bool{true, false} {
		ctx := tellingCompression(ctx)
		response, err := run.test.UnaryCall(ctx, &pb.SimpleRequest{
			ResponseCompressed: wish(compressed),
			ResponseSize:       largeResponseSize,
			Payload:            zeroPayload(largeRequestSize),
		}, accepting)
		if err != nil {
			return err
		}
		if err := expect("whether the response was compressed", wasCompressed(ctx), compressed); err != nil {
			return err
		}
		if err := expectPayload("the response's payload", response.Payload, largeResponseSize); err != nil {
			return err
		}
	}
	return nil
}

func serverCompressedStreaming(ctx context.Context, run run) error {
	compressed := []bool{true, false}
	request := &pb.StreamingOutputCallRequest{}
	for i, size := range compressedResponseSizes {
		request.ResponseParameters = append(request.ResponseParameters, &pb.ResponseParameters{
			Compressed: wish(compressed[i]),
			Size:       int32(size),
		})
	}
	ctx = tellingCompression(ctx)
	stream, err := run.test.StreamingOutputCall(ctx, request, accepting)
	if err != nil {
		return err
	}
	return expectResponses(stream, compressedResponseSizes, func(i int, _ *pb.StreamingOutputCallResponse) error {
		return expect(fmt.Sprintf("whether response %d was compressed", i+1), wasCompressed(ctx), compressed[i])
	})
}
