/**
 * A round trip through the generated code of Google Pub/Sub: CreateTopic, CreateSubscription, Publish, StreamingPull.
 * Whatever does not come back as it was sent fails the program.
 */
import assert from "node:assert/strict";
import { Code, dial, RpcError, Server, sender } from "@trunkline/runtime";
import { Broker, MemoryPublisher, MemorySubscriber } from "./broker.js";
import type { StreamingPullRequest } from "./gen/google/pubsub/v1/pubsub.js";
import {
  publisherClient,
  registerPublisherServer,
  registerSubscriberServer,
  subscriberClient,
} from "./gen/google/pubsub/v1/pubsub_grpc.js";

const broker = new Broker();
const server = new Server();
registerPublisherServer(server, new MemoryPublisher(broker));
registerSubscriberServer(server, new MemorySubscriber(broker));
const { address } = await server.listen("127.0.0.1:0");

const channel = dial(address, { timeoutMs: 10_000 });
const publisher = publisherClient(channel);
const subscriber = subscriberClient(channel);

// Partial messages in, whole messages out; a map, a oneof.
const topic = await publisher.createTopic({
  name: "projects/p/topics/t",
  labels: { team: "wire", "": "empty key" },
  ingestionDataSourceSettings: { source: { $case: "awsKinesis", value: { streamArn: "arn:aws" } } },
});
assert.deepEqual({ ...topic.labels }, { team: "wire", "": "empty key" });
assert.equal(topic.ingestionDataSourceSettings?.source?.$case, "awsKinesis");
assert.equal(topic.kmsKeyName, "");
await assert.rejects(
  publisher.createTopic(topic),
  (error) => error instanceof RpcError && error.code === Code.ALREADY_EXISTS,
);

// int64 above 2^53, in a message of another oneof.
const maxBytes = 2n ** 53n + 1n;
const subscription = await subscriber.createSubscription({
  name: "projects/p/subscriptions/s",
  topic: topic.name,
  cloudStorageConfig: { bucket: "b", maxBytes, outputFormat: { $case: "avroConfig", value: { writeMetadata: true } } },
});
assert.equal(subscription.cloudStorageConfig?.maxBytes, maxBytes);
assert.deepEqual(subscription.cloudStorageConfig?.outputFormat, {
  $case: "avroConfig",
  value: { writeMetadata: true, useTopicSchema: false },
});

// Bytes, and a timestamp to the nanosecond.
const data = Uint8Array.from({ length: 256 }, (_, i) => i);
const publishTime = { seconds: 1_700_000_000n, nanos: 123_456_789 };
const publish = (orderingKey: string) =>
  publisher.publish({
    topic: topic.name,
    messages: [{ data, attributes: { a: "1", ü: "ö" }, publishTime, orderingKey }],
  });

const requests = sender<Partial<StreamingPullRequest>>();
const pulled = subscriber.streamingPull(requests)[Symbol.asyncIterator]();
await publish("before");
await requests.send({ subscription: subscription.name, maxOutstandingBytes: 2n ** 62n });

for (const orderingKey of ["before", "while"]) {
  const { value } = await pulled.next();
  const [received] = value?.receivedMessages ?? [];
  assert.deepEqual(new Uint8Array(received?.message?.data ?? []), data);
  assert.deepEqual({ ...received?.message?.attributes }, { a: "1", ü: "ö" });
  assert.deepEqual(received?.message?.publishTime, publishTime);
  assert.equal(received?.message?.orderingKey, orderingKey);
  await requests.send({ ackIds: [received?.ackId ?? ""] });
  if (orderingKey === "before") await publish("while");
}
requests.close();
assert.equal((await pulled.next()).done, true);
assert.deepEqual(broker.backlog(subscription.name), []);

await channel.close();
await server.shutdown();
console.log("created, published, pulled, acknowledged");
