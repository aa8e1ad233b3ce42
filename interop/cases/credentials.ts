/** Who calls, as the call itself says it. */
import { expectEqual } from "../check.js";
import { account } from "../description.js";
import type { Case } from "./case.js";

export const perRpcCreds: Case = async ({ test }) => {
  const { authorization, username, oauthScope } = account;
  const request = { fillUsername: true, fillOauthScope: true };
  const response = await test.unaryCall(request, { credentials: () => ({ authorization }) });
  expectEqual("username", response.username, username);
  expectEqual("oauth_scope", response.oauthScope, oauthScope);

  const without = await test.unaryCall(request);
  expectEqual("username of a call without credentials", without.username, "");
};
