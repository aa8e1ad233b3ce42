package main

import (
	"context"

	"google.golang.org/grpc"
	pb "grpc/testing"
)

// Who calls, as the call itself says it.

// account is the credentials.PerRPCCredentials of the one account that there is.
type account struct{}

func (account) GetRequestMetadata(context.Context, ...string) (map[string]string, error) {
	return map[string]string{"authorization": accountAuthorization}, nil
}

func (account) RequireTransportSecurity() bool { return true }

func perRPCCreds(ctx context.Context, run run) error {
	request := &pb.SimpleRequest{FillUsername: true, FillOauthScope: true}
	response, err := run.test.UnaryCall(ctx, request, grpc.PerRPCCredentials(account{}))
	if err != nil {
		return err
	}
	if err := first(
		expect("username", response.Username, accountUsername),
		expect("oauth_scope", response.OauthScope, accountOAuthScope),
	); err != nil {
		return err
	}
	without, err := run.test.UnaryCall(ctx, request)
	if err != nil {
		return err
	}
	return expect("username of a call without credentials", without.Username, "")
}
