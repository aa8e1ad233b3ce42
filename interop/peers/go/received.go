package main

import (
	"context"

	"google.golang.org/grpc/stats"
)

// headerLength is of the prefix of a message: what grpc-go counts as on the wire has it.
const headerLength = 5

type lastReceivedKey struct{}

// tellingCompression returns a context in which wasCompressed tells of the call that is made or served in it.
func tellingCompression(ctx context.Context) context.Context {
	return context.WithValue(ctx, lastReceivedKey{}, new(bool))
}

// wasCompressed is of the message that was received last: grpc-go does not tell of a message, but of its lengths, before
// and after, just before it hands it over. The messages of the cases that ask are zeros, which are never as long in gzip.
func wasCompressed(ctx context.Context) bool {
	return *ctx.Value(lastReceivedKey{}).(*bool)
}

// receivedMessages is the stats.Handler of both ends that wasCompressed needs.
type receivedMessages struct{}

func (receivedMessages) TagRPC(ctx context.Context, _ *stats.RPCTagInfo) context.Context {
	if ctx.Value(lastReceivedKey{}) != nil {
		return ctx
	}
	return tellingCompression(ctx)
}

func (receivedMessages) HandleRPC(ctx context.Context, event stats.RPCStats) {
	if message, ok := event.(*stats.InPayload); ok {
		*ctx.Value(lastReceivedKey{}).(*bool) = message.WireLength-headerLength != message.Length
	}
}

func (receivedMessages) TagConn(ctx context.Context, _ *stats.ConnTagInfo) context.Context {
	return ctx
}

func (receivedMessages) HandleConn(context.Context, stats.ConnStats) {}
