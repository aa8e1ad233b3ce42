import type { MethodDesc, ServerCall } from "../contract.js";
import { type Answer, answerOf, failureOf, noAnswer } from "./answers.js";

/** A method of a mock: what it has been told, and what calls it has got. */
export class MockedMethod {
  /** As clients name it: `sayHello`. */
  readonly name: string;
  readonly #method: MethodDesc;
  #calls: object[] = [];
  /** Each for one call. */
  #once: Answer[] = [];
  #always: Answer;

  constructor(name: string, method: MethodDesc) {
    this.name = name;
    this.#method = method;
    this.#always = noAnswer(name, method);
  }

  get calls(): readonly unknown[] {
    return this.#calls;
  }

  // ── Told by a test ──

  answer(answer: unknown): void {
    this.#always = answerOf(answer, "always", this.name, this.#method);
  }

  answerOnce(answer: unknown): void {
    this.#once.push(answerOf(answer, "once", this.name, this.#method));
  }

  fail(error: unknown): void {
    this.#always = failureOf(error, "fail", this.name, this.#method);
  }

  failOnce(error: unknown): void {
    this.#once.push(failureOf(error, "failOnce", this.name, this.#method));
  }

  reset(): void {
    this.#calls = [];
    this.#once = [];
    this.#always = noAnswer(this.name, this.#method);
  }

  // ── Called by the server ──

  /** @param received the request, or the stream of them */
  handle(received: unknown, call: ServerCall): unknown {
    const answer = this.#once.shift() ?? this.#always;
    const { kind } = this.#method;
    if (kind === "unary" || kind === "serverStream") {
      this.#record({ request: received }, call);
      return answer(received, call);
    }
    const requests: unknown[] = [];
    this.#record({ requests }, call);
    return answer(recorded(received as AsyncIterable<unknown>, requests), call);
  }

  #record(received: object, call: ServerCall): void {
    this.#calls.push({
      ...received,
      metadata: call.metadata,
      deadline: call.deadline,
      // To have one costs a call something: it is made when somebody looks.
      get signal() {
        return call.signal;
      },
    });
  }
}

/** The same messages, each kept when it is taken. */
async function* recorded(messages: AsyncIterable<unknown>, into: unknown[]): AsyncGenerator<unknown, void> {
  for await (const message of messages) {
    into.push(message);
    yield message;
  }
}
