package main

import (
	"context"
	"errors"
	"fmt"
	"sort"
	"strings"
	"time"

	"google.golang.org/grpc"
	pb "grpc/testing"
)

// A testCase returns what did not hold, or nil where everything that the description asserts did.
type testCase func(context.Context, run) error

// run is what a case has: clients on a connection of its own, and the way to more of them.
type run struct {
	test            pb.TestServiceClient
	unimplemented   pb.UnimplementedServiceClient
	concurrentCalls int
	soak            soak
	connect         func() (*grpc.ClientConn, error)
}

var cases = map[string]testCase{
	"empty_unary":                 emptyUnary,
	"large_unary":                 largeUnary,
	"client_streaming":            clientStreaming,
	"server_streaming":            serverStreaming,
	"ping_pong":                   pingPong,
	"empty_stream":                emptyStream,
	"timeout_on_sleeping_server":  timeoutOnSleepingServer,
	"cancel_after_begin":          cancelAfterBegin,
	"cancel_after_first_response": cancelAfterFirstResponse,
	"status_code_and_message":     statusCodeAndMessage,
	"special_status_message":      specialStatus,
	"custom_metadata":             customMetadata,
	"unimplemented_method":        unimplementedMethod,
	"unimplemented_service":       unimplementedService,
	"client_compressed_unary":     clientCompressedUnary,
	"server_compressed_unary":     serverCompressedUnary,
	"client_compressed_streaming": clientCompressedStreaming,
	"server_compressed_streaming": serverCompressedStreaming,
	"per_rpc_creds":               perRPCCreds,
	"concurrent_large_unary":      concurrentLargeUnary,
	"rpc_soak":                    rpcSoak,
	"channel_soak":                channelSoak,
}

func caseNames() []string {
	names := make([]string, 0, len(cases))
	for name := range cases {
		names = append(names, name)
	}
	sort.Strings(names)
	return names
}

// The calls of a case take a few hundred milliseconds, and a thousand large ones some seconds: more is a lost event.
func timeoutOf(name string, soak soak) time.Duration {
	switch {
	case name == "concurrent_large_unary":
		return 60 * time.Second
	case strings.HasSuffix(name, "_soak"):
		return 10*time.Second + soak.overallTimeout
	}
	return 10 * time.Second
}

// runCases runs the cases one after another and says of each what came of it; it fails where one did.
func runCases(command clientCommand) error {
	options, err := dialOptions(command)
	if err != nil {
		return err
	}
	failed := 0
	for _, name := range command.testCases {
		outcome := "passed"
		if err := attempt(name, command, options); err != nil {
			outcome = describe(err)
			failed++
		}
		fmt.Printf("%s: %s\n", name, outcome)
	}
	if failed > 0 {
		return fmt.Errorf("%d of %d cases failed", failed, len(command.testCases))
	}
	return nil
}

func attempt(name string, command clientCommand, options []grpc.DialOption) error {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	outcome := make(chan error, 1)
	go func() { outcome <- runCase(ctx, cases[name], command, options) }()
	timeout := timeoutOf(name, command.soak)
	// Not the context's deadline: that a call exceeds its own is what a case is about.
	select {
	case err := <-outcome:
		return err
	case <-time.After(timeout):
		return errors.New("not over after " + timeout.String())
	}
}

func runCase(ctx context.Context, test testCase, command clientCommand, options []grpc.DialOption) error {
	connect := func() (*grpc.ClientConn, error) { return connect(ctx, command.address, options) }
	connection, err := connect()
	if err != nil {
		return err
	}
	defer connection.Close()
	return test(ctx, run{
		test:            pb.NewTestServiceClient(connection),
		unimplemented:   pb.NewUnimplementedServiceClient(connection),
		concurrentCalls: command.concurrentCalls,
		soak:            command.soak,
		connect:         connect,
	})
}
