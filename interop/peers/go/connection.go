package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"os"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"
)

// The cases are about calls, not about dialling.
const connectTimeout = 5 * time.Second

// dialOptions are for the server that the command names, as it wants to be called.
func dialOptions(command clientCommand) ([]grpc.DialOption, error) {
	options := []grpc.DialOption{grpc.WithReturnConnectionError(), grpc.WithStatsHandler(receivedMessages{})}
	if !command.useTLS {
		options = append(options, grpc.WithInsecure())
		if command.serverHostOverride != "" {
			options = append(options, grpc.WithAuthority(command.serverHostOverride))
		}
		return options, nil
	}
	// Its name is the :authority too. Without authorities of its own it trusts those of the platform.
	config := &tls.Config{ServerName: command.serverHostOverride}
	if command.useTestCA {
		pem, err := os.ReadFile(command.caFile)
		if err != nil {
			return nil, fmt.Errorf("--ca_file: %v", err)
		}
		config.RootCAs = x509.NewCertPool()
		if !config.RootCAs.AppendCertsFromPEM(pem) {
			return nil, fmt.Errorf("--ca_file: %s has no certificate", command.caFile)
		}
	}
	return append(options, grpc.WithTransportCredentials(credentials.NewTLS(config))), nil
}

// connect returns once there is a connection, one of its own.
func connect(ctx context.Context, address string, options []grpc.DialOption) (*grpc.ClientConn, error) {
	ctx, cancel := context.WithTimeout(ctx, connectTimeout)
	defer cancel()
	return grpc.DialContext(ctx, address, options...)
}
