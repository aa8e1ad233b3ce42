/** Google Pub/Sub in memory: the generated `PublisherServer` and `SubscriberServer`, as far as the example needs them. */
import { Code, RpcError, sender } from "@trunkline/runtime";
import type {
  PublishRequest,
  PublishResponse,
  PubsubMessage,
  ReceivedMessage,
  StreamingPullRequest,
  StreamingPullResponse,
  Subscription,
  Topic,
} from "./gen/google/pubsub/v1/pubsub.js";
import { UnimplementedPublisherServer, UnimplementedSubscriberServer } from "./gen/google/pubsub/v1/pubsub_grpc.js";

/** What there is to say in a StreamingPullResponse; the rest may be left out. */
type Responses = Pick<StreamingPullResponse, "receivedMessages">;
type Deliver = (messages: readonly ReceivedMessage[]) => void;

/** Topics, their subscriptions, and who is pulling. */
export class Broker {
  readonly topics: Map<string, Topic> = new Map();
  readonly subscriptions: Map<string, Subscription> = new Map();
  readonly pulling: Map<string, Deliver> = new Map();
  readonly #backlog = new Map<string, ReceivedMessage[]>();
  #messages = 0;

  publish(topic: string, message: PubsubMessage): string {
    const messageId = String(++this.#messages);
    for (const { name, topic: of } of this.subscriptions.values()) {
      if (of !== topic) continue;
      const received = { ackId: `${name}#${messageId}`, message: { ...message, messageId }, deliveryAttempt: 1 };
      this.#backlog.set(name, [...(this.#backlog.get(name) ?? []), received]);
      this.pulling.get(name)?.([received]);
    }
    return messageId;
  }

  backlog(subscription: string): readonly ReceivedMessage[] {
    return this.#backlog.get(subscription) ?? [];
  }

  acknowledge(subscription: string, ackIds: readonly string[]): void {
    const left = this.backlog(subscription).filter(({ ackId }) => !ackIds.includes(ackId));
    this.#backlog.set(subscription, left);
  }
}

export class MemoryPublisher extends UnimplementedPublisherServer {
  readonly #broker: Broker;

  constructor(broker: Broker) {
    super();
    this.#broker = broker;
  }

  override createTopic(topic: Topic): Topic {
    if (this.#broker.topics.has(topic.name)) throw new RpcError(Code.ALREADY_EXISTS, topic.name);
    this.#broker.topics.set(topic.name, topic);
    return topic;
  }

  override publish({ topic, messages }: PublishRequest): PublishResponse {
    if (!this.#broker.topics.has(topic)) throw new RpcError(Code.NOT_FOUND, topic);
    return { messageIds: messages.map((message) => this.#broker.publish(topic, message)) };
  }
}

export class MemorySubscriber extends UnimplementedSubscriberServer {
  readonly #broker: Broker;

  constructor(broker: Broker) {
    super();
    this.#broker = broker;
  }

  override createSubscription(subscription: Subscription): Subscription {
    if (!this.#broker.topics.has(subscription.topic)) throw new RpcError(Code.NOT_FOUND, subscription.topic);
    this.#broker.subscriptions.set(subscription.name, subscription);
    return subscription;
  }

  /** The first request names the subscription; all of them may acknowledge. */
  override streamingPull(requests: AsyncIterable<StreamingPullRequest>): AsyncIterable<Responses> {
    const responses = sender<Responses>();
    const deliver: Deliver = (receivedMessages) => void responses.send({ receivedMessages: [...receivedMessages] });
    const broker = this.#broker;
    void (async () => {
      let subscription = "";
      for await (const request of requests) {
        if (subscription === "") {
          subscription = request.subscription;
          deliver(broker.backlog(subscription));
          broker.pulling.set(subscription, deliver);
        }
        broker.acknowledge(subscription, request.ackIds);
      }
      broker.pulling.delete(subscription);
      responses.close();
    })().catch(() => responses.close());
    return responses;
  }
}
