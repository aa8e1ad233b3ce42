"""Who calls, as the call itself says it."""

import grpc
from cases.case import Run
from check import expect_equal
from description import OAUTH_SCOPE, TOKEN, USERNAME
from generated import messages


def per_rpc_creds(run: Run) -> None:
    request = messages.SimpleRequest(fill_username=True, fill_oauth_scope=True)
    response = run.test.UnaryCall(request, credentials=grpc.access_token_call_credentials(TOKEN))
    expect_equal("username", response.username, USERNAME)
    expect_equal("oauth_scope", response.oauth_scope, OAUTH_SCOPE)

    without = run.test.UnaryCall(request)
    expect_equal("username of a call without credentials", without.username, "")
