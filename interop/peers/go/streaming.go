package main

import (
	"context"
	"fmt"
	"io"

	"google.golang.org/grpc"
	pb "grpc/testing"
)

// Cases with streams.

// send leaves io.EOF to Recv: it says only that the call is over, and Recv says how.
func send(stream grpc.ClientStream, request interface{}) error {
	if err := stream.SendMsg(request); err != io.EOF {
		return err
	}
	return nil
}

type responses interface {
	Recv() (*pb.StreamingOutputCallResponse, error)
}

// receiveAll reads a stream to its end; how many there were, and how it ended: with io.EOF, where the call was well.
func receiveAll(stream responses, check func(i int, response *pb.StreamingOutputCallResponse) error) (int, error) {
	for i := 0; ; i++ {
		response, err := stream.Recv()
		if err != nil {
			return i, err
		}
		if check == nil {
			continue
		}
		if err := check(i, response); err != nil {
			return i, err
		}
	}
}

// expectResponses reads a stream to its end, and checks that there were as many as there are sizes.
func expectResponses(
	stream responses, sizes []int, check func(i int, response *pb.StreamingOutputCallResponse) error,
) error {
	count, err := receiveAll(stream, func(i int, response *pb.StreamingOutputCallResponse) error {
		// Those that are too many are counted.
		if i >= len(sizes) {
			return nil
		}
		if check != nil {
			if err := check(i, response); err != nil {
				return err
			}
		}
		return expectPayload(fmt.Sprintf("response %d", i+1), response.Payload, sizes[i])
	})
	if err != io.EOF {
		return err
	}
	return expect("number of responses", count, len(sizes))
}

// outputRequest has a payload of one size for responses of others.
func outputRequest(requestSize int, sizes ...int) *pb.StreamingOutputCallRequest {
	request := &pb.StreamingOutputCallRequest{Payload: zeroPayload(requestSize)}
	for _, size := range sizes {
		request.ResponseParameters = append(request.ResponseParameters, &pb.ResponseParameters{Size: int32(size)})
	}
	return request
}

func clientStreaming(ctx context.Context, run run) error {
	stream, err := run.test.StreamingInputCall(ctx)
	if err != nil {
		return err
	}
	for _, size := range requestSizes {
		if err := send(stream, &pb.StreamingInputCallRequest{Payload: zeroPayload(size)}); err != nil {
			return err
		}
	}
	response, err := stream.CloseAndRecv()
	if err != nil {
		return err
	}
	return expect("aggregated_payload_size", int(response.AggregatedPayloadSize), sumOfRequestSizes)
}

func serverStreaming(ctx context.Context, run run) error {
	stream, err := run.test.StreamingOutputCall(ctx, outputRequest(0, responseSizes...))
	if err != nil {
		return err
	}
	return expectResponses(stream, responseSizes, nil)
}

func pingPong(ctx context.Context, run run) error {
	stream, err := run.test.FullDuplexCall(ctx)
	if err != nil {
		return err
	}
	for i, size := range responseSizes {
		if err := send(stream, outputRequest(requestSizes[i], size)); err != nil {
			return err
		}
		response, err := stream.Recv()
		if err == io.EOF {
			return expect("number of responses", i, len(responseSizes))
		}
		if err != nil {
			return err
		}
		if err := expectPayload(fmt.Sprintf("response %d", i+1), response.Payload, size); err != nil {
			return err
		}
	}
	if err := stream.CloseSend(); err != nil {
		return err
	}
	more, err := receiveAll(stream, nil)
	if err != io.EOF {
		return err
	}
	return expect("number of responses", len(responseSizes)+more, len(responseSizes))
}

func emptyStream(ctx context.Context, run run) error {
	stream, err := run.test.FullDuplexCall(ctx)
	if err != nil {
		return err
	}
	if err := stream.CloseSend(); err != nil {
		return err
	}
	return expectResponses(stream, nil, nil)
}
