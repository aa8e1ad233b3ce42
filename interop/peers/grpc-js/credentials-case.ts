/** Who calls, as the call itself says it. */
import { credentials, Metadata } from "@grpc/grpc-js";
import { expectEqual } from "../../check.js";
import { account } from "../../description.js";
import { SimpleRequest } from "../../gen/ts-proto/grpc/testing/messages.js";
import { type Case, checking } from "./case.js";
import { testService } from "./definition.js";

const ofAccount = credentials.createFromMetadataGenerator((_context, callback) => {
  const metadata = new Metadata();
  metadata.set("authorization", account.authorization);
  callback(null, metadata);
});

export const perRpcCreds: Case = (client, done) => {
  const { path, requestSerialize, responseDeserialize } = testService.unaryCall;
  client.makeUnaryRequest(
    path,
    requestSerialize,
    responseDeserialize,
    SimpleRequest.fromPartial({ fillUsername: true, fillOauthScope: true }),
    new Metadata(),
    { credentials: ofAccount },
    checking(done, (error, response) => {
      if (error !== null) throw error;
      expectEqual("username", response?.username, account.username);
      expectEqual("oauth_scope", response?.oauthScope, account.oauthScope);
      done();
    }),
  );
};
