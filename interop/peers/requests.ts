/** What requests ask of a server in TypeScript, whatever it is written on. */
import { account, payloadType } from "../description.js";
import type { SimpleRequest } from "../service.js";

/** Whoever shows the one token that there is, as far as the request asks. */
export function callerOf(request: Pick<SimpleRequest, "fillUsername" | "fillOauthScope">, authorization: unknown) {
  const isKnown = authorization === account.authorization;
  return {
    username: isKnown && request.fillUsername ? account.username : "",
    oauthScope: isKnown && request.fillOauthScope ? account.oauthScope : "",
  };
}

/** The status that a request asks for, or that it gets for asking what there is not; undefined where it is answered. */
export function refusalOf({
  responseStatus,
  responseType,
}: Pick<SimpleRequest, "responseStatus" | "responseType">):
  | { readonly code: number; readonly message: string }
  | undefined {
  if (responseStatus !== undefined && responseStatus.code !== 0) return responseStatus;
  if (responseType === payloadType) return undefined;
  return { code: invalidArgument, message: `there is no payload of type ${responseType}` };
}

const invalidArgument = 3;
