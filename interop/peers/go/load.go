package main

import (
	"context"
	"fmt"
	"time"

	pb "grpc/testing"
)

// Many calls: at the same time, or one after another.

func concurrentLargeUnary(ctx context.Context, run run) error {
	outcomes := make(chan error, run.concurrentCalls)
	for i := 0; i < run.concurrentCalls; i++ {
		go func() { outcomes <- largeCall(ctx, run.test, largeRequestSize, largeResponseSize) }()
	}
	for i := 0; i < run.concurrentCalls; i++ {
		if err := <-outcomes; err != nil {
			return err
		}
	}
	return nil
}

// rpcSoak makes all calls on the one connection.
func rpcSoak(ctx context.Context, run run) error {
	return soakWith(run.soak, func() error {
		return largeCall(ctx, run.test, run.soak.requestSize, run.soak.responseSize)
	})
}

// channelSoak makes each call on a connection of its own.
func channelSoak(ctx context.Context, run run) error {
	return soakWith(run.soak, func() error {
		connection, err := run.connect()
		if err != nil {
			return err
		}
		defer connection.Close()
		return largeCall(ctx, pb.NewTestServiceClient(connection), run.soak.requestSize, run.soak.responseSize)
	})
}

func soakWith(soak soak, call func() error) error {
	var failures []error
	begun := time.Now()
	done := 0
	for done < soak.iterations && time.Since(begun) < soak.overallTimeout {
		start := time.Now()
		err := call()
		took := time.Since(start)
		done++
		if err == nil && took > soak.maxLatency {
			err = fmt.Errorf("call %d took %d ms", done, took.Milliseconds())
		}
		if err != nil {
			failures = append(failures, err)
		}
		time.Sleep(soak.minTimeBetweenRPCs - took)
	}
	if err := expect(fmt.Sprintf("calls within %v", soak.overallTimeout), done, soak.iterations); err != nil {
		return err
	}
	if len(failures) > soak.maxFailures {
		return fmt.Errorf("%d of %d calls failed: %s", len(failures), done, describe(failures[0]))
	}
	return nil
}
