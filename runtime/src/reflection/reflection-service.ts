import type { ServiceDesc } from "../contract.js";
import { describe } from "../error.js";
import { Code } from "../status.js";
import { DescribedFiles } from "./described-files.js";
import type { DescribedFile } from "./descriptor-set.js";
import type { ServerReflectionRequest, ServerReflectionResponse, ServerReflectionServer } from "./generated.js";

type Answer = NonNullable<ServerReflectionResponse["messageResponse"]>;

/**
 * Answers questions of both versions, in their order and one at a time: who does not read its answers is not asked for
 * more. A question that has no answer gets an `error_response`, and the stream goes on.
 */
export class ReflectionService implements ServerReflectionServer {
  readonly #services: () => readonly ServiceDesc[];
  #files: DescribedFiles | undefined;

  /** @param services those that are shown; not called before the first question */
  constructor(services: () => readonly ServiceDesc[]) {
    this.#services = services;
  }

  async *serverReflectionInfo(
    requests: AsyncIterable<ServerReflectionRequest>,
  ): AsyncGenerator<ServerReflectionResponse, void> {
    const sent = new Set<DescribedFile>();
    for await (const request of requests) {
      const messageResponse = this.#answer(request.messageRequest, sent);
      yield { validHost: request.host, originalRequest: request, messageResponse };
    }
  }

  #answer(question: ServerReflectionRequest["messageRequest"], sent: Set<DescribedFile>): Answer {
    this.#files ??= readFiles(this.#services());
    const files = this.#files;
    const answer = (file: DescribedFile | undefined, what: string, name: string) =>
      file === undefined ? this.#notFound(what, name) : fileAnswer(files.withImports(file, sent));
    switch (question?.$case) {
      case "listServices":
        return this.#list();
      case "fileByFilename":
        return answer(files.byName(question.value), "file", question.value);
      case "fileContainingSymbol":
        return answer(files.bySymbol(question.value), "symbol", question.value);
      case "fileContainingExtension": {
        const { containingType, extensionNumber } = question.value;
        const file = files.byExtension(containingType, extensionNumber);
        return answer(file, `extension ${extensionNumber} of`, containingType);
      }
      case "allExtensionNumbersOfType": {
        const baseTypeName = question.value;
        const extensionNumber = files.extensionNumbers(baseTypeName);
        if (extensionNumber === undefined) return this.#notFound("message", baseTypeName);
        return { $case: "allExtensionNumbersResponse", value: { baseTypeName, extensionNumber } };
      }
      default:
        return errorAnswer(Code.INVALID_ARGUMENT, "the request has no message_request that is known here");
    }
  }

  #list(): Answer {
    const names = this.#services().map(({ serviceName }) => serviceName);
    return { $case: "listServicesResponse", value: { service: names.sort().map((name) => ({ name })) } };
  }

  #notFound(what: string, name: string): Answer {
    const undescribed = this.#services().find(
      ({ serviceName, fileName, descriptorSet }) =>
        descriptorSet === undefined &&
        (name === fileName || name === serviceName || name.startsWith(`${serviceName}.`)),
    );
    if (undescribed === undefined) return errorAnswer(Code.NOT_FOUND, `there is no ${what} ${describe(name)} here`);
    const details = `${undescribed.serviceName} has no descriptors here: generate its code with descriptors=embed`;
    return errorAnswer(Code.NOT_FOUND, details);
  }
}

/** When the first question comes: by then nothing can be registered any more. */
function readFiles(services: readonly ServiceDesc[]): DescribedFiles {
  const undescribed = services.filter(({ descriptorSet }) => descriptorSet === undefined);
  if (undescribed.length > 0) {
    // Tools do not show what the answer to their question says, but "not found".
    const names = undescribed.map(({ serviceName }) => serviceName).join(", ");
    process.emitWarning(
      `reflection shows no more than the names of ${names}: generate the code with descriptors=embed, ` +
        "or name the services to show: registerReflection(server, { services: [GreeterDesc] })",
      { type: "TrunklineWarning", code: "TRUNKLINE_NO_DESCRIPTORS" },
    );
  }
  return new DescribedFiles(services);
}

function fileAnswer(files: readonly DescribedFile[]): Answer {
  return { $case: "fileDescriptorResponse", value: { fileDescriptorProto: files.map(({ bytes }) => bytes) } };
}

function errorAnswer(errorCode: Code, errorMessage: string): Answer {
  return { $case: "errorResponse", value: { errorCode, errorMessage } };
}
