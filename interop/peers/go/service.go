package main

import (
	"context"
	"io"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	_ "google.golang.org/grpc/encoding/gzip" // What is imported is accepted.
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	pb "grpc/testing"
)

// testService is TestService, as the public description wants a server to behave. What the embedded one has, it leaves out.
type testService struct {
	pb.UnimplementedTestServiceServer
}

func (*testService) EmptyCall(context.Context, *pb.Empty) (*pb.Empty, error) {
	return &pb.Empty{}, nil
}

func (*testService) UnaryCall(ctx context.Context, request *pb.SimpleRequest) (*pb.SimpleResponse, error) {
	if err := first(
		echoMetadata(ctx),
		askedFor(request.ResponseStatus),
		refuseUnknownType(request.ResponseType),
		refuseUnexpected(ctx, request.ExpectCompressed),
	); err != nil {
		return nil, err
	}
	payload, err := payloadOf(request.ResponseSize)
	if err != nil {
		return nil, err
	}
	response := &pb.SimpleResponse{Payload: payload}
	if isAccount(ctx) {
		if request.FillUsername {
			response.Username = accountUsername
		}
		if request.FillOauthScope {
			response.OauthScope = accountOAuthScope
		}
	}
	return response, nil
}

func (*testService) StreamingOutputCall(
	request *pb.StreamingOutputCallRequest, stream pb.TestService_StreamingOutputCallServer,
) error {
	if err := echoMetadata(stream.Context()); err != nil {
		return err
	}
	return respond(request, stream)
}

func (*testService) StreamingInputCall(stream pb.TestService_StreamingInputCallServer) error {
	if err := echoMetadata(stream.Context()); err != nil {
		return err
	}
	var sum int32
	for {
		request, err := stream.Recv()
		if err == io.EOF {
			return stream.SendAndClose(&pb.StreamingInputCallResponse{AggregatedPayloadSize: sum})
		}
		if err != nil {
			return err
		}
		if err := refuseUnexpected(stream.Context(), request.ExpectCompressed); err != nil {
			return err
		}
		sum += int32(len(request.GetPayload().GetBody()))
	}
}

func (*testService) FullDuplexCall(stream pb.TestService_FullDuplexCallServer) error {
	if err := echoMetadata(stream.Context()); err != nil {
		return err
	}
	for {
		request, err := stream.Recv()
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
		if err := respond(request, stream); err != nil {
			return err
		}
	}
}

type responseStream interface {
	Context() context.Context
	Send(*pb.StreamingOutputCallResponse) error
}

// respond sends a response for each of the parameters, at the pace that they ask for.
func respond(request *pb.StreamingOutputCallRequest, stream responseStream) error {
	if err := first(askedFor(request.ResponseStatus), refuseUnknownType(request.ResponseType)); err != nil {
		return err
	}
	for _, parameters := range request.ResponseParameters {
		if parameters.IntervalUs > 0 {
			select {
			case <-time.After(time.Duration(parameters.IntervalUs) * time.Microsecond):
			case <-stream.Context().Done():
				return status.FromContextError(stream.Context().Err()).Err()
			}
		}
		payload, err := payloadOf(parameters.Size)
		if err != nil {
			return err
		}
		if err := stream.Send(&pb.StreamingOutputCallResponse{Payload: payload}); err != nil {
			return err
		}
	}
	return nil
}

// echoMetadata sends the header at once, and the trailer whatever the status will be.
func echoMetadata(ctx context.Context) error {
	received, _ := metadata.FromIncomingContext(ctx)
	if values := received.Get(echoTrailingKey); len(values) > 0 {
		if err := grpc.SetTrailer(ctx, metadata.MD{echoTrailingKey: values}); err != nil {
			return err
		}
	}
	if values := received.Get(echoInitialKey); len(values) > 0 {
		return grpc.SendHeader(ctx, metadata.MD{echoInitialKey: values})
	}
	return nil
}

// isAccount is whether the caller shows the one token that there is.
func isAccount(ctx context.Context) bool {
	received, _ := metadata.FromIncomingContext(ctx)
	values := received.Get("authorization")
	return len(values) == 1 && values[0] == accountAuthorization
}

// askedFor is the status that a request asks for, nil where that is OK or none.
func askedFor(wanted *pb.EchoStatus) error {
	return status.Error(codes.Code(wanted.GetCode()), wanted.GetMessage())
}

func refuseUnknownType(payloadType pb.PayloadType) error {
	if payloadType == pb.PayloadType_COMPRESSABLE {
		return nil
	}
	return status.Errorf(codes.InvalidArgument, "there is no payload of type %d", payloadType)
}

// refuseUnexpected is for a request that is compressed, or not, otherwise than it says.
func refuseUnexpected(ctx context.Context, expected *pb.BoolValue) error {
	if expected == nil || expected.Value == wasCompressed(ctx) {
		return nil
	}
	if expected.Value {
		return status.Error(codes.InvalidArgument, "the request was not compressed, and says that it is")
	}
	return status.Error(codes.InvalidArgument, "the request was compressed, and says that it is not")
}

func payloadOf(size int32) (*pb.Payload, error) {
	if size < 0 {
		return nil, status.Errorf(codes.InvalidArgument, "there is no payload of %d bytes", size)
	}
	return zeroPayload(int(size)), nil
}
