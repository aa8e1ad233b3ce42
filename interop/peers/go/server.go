package main

import (
	"fmt"
	"net"
	"os"
	"os/signal"
	"syscall"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"
	pb "grpc/testing"
)

// serve serves on loopback until a signal stops it.
func serve(command serverCommand) error {
	options := []grpc.ServerOption{grpc.StatsHandler(receivedMessages{})}
	if command.useTLS {
		identity, err := credentials.NewServerTLSFromFile(command.certFile, command.keyFile)
		if err != nil {
			return fmt.Errorf("--tls_cert_file, --tls_key_file: %v", err)
		}
		options = append(options, grpc.Creds(identity))
	}
	server := grpc.NewServer(options...)
	pb.RegisterTestServiceServer(server, &testService{})
	listener, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", command.port))
	if err != nil {
		return err
	}
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, syscall.SIGINT, syscall.SIGTERM)
	stopped := make(chan struct{})
	go func() {
		<-signals
		// Graceful, so that a call that a client has left open by mistake is noticed: the server does not end. Another
		// signal ends it.
		signal.Stop(signals)
		server.GracefulStop()
		close(stopped)
	}()
	fmt.Printf("listening on 127.0.0.1, port %d\n", listener.Addr().(*net.TCPAddr).Port)
	if err := server.Serve(listener); err != nil {
		return err
	}
	// Serve returns when the stop begins.
	<-stopped
	return nil
}
