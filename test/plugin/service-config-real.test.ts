/** Google's service configs with Google's own protos: what their tables say then. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "@jest/globals";
import { Code, type MethodDefaults, type RetryPolicy } from "@trunkline/runtime";
import { type Protos, root } from "./compile-protos.js";
import { defaultsOf, generateWith, removeGenerated } from "./configured.js";

afterAll(removeGenerated);

const everything = join(root, "node_modules/google-proto-files");

/** A proto of Google's and all that it imports. */
function withImports(entries: readonly string[]): Protos {
  const found = new Set(entries);
  const protos: { [path: string]: string } = {};
  for (const path of found) {
    const text = readFileSync(join(everything, path), "utf8");
    for (const [, imported] of text.matchAll(/^import\s+(?:public\s+)?"([^"]+)"/gm)) found.add(imported!);
    protos[path] = text;
  }
  return protos;
}

interface Api {
  readonly protos: readonly string[];
  /** What its `*_grpc_service_config.json` in googleapis says, entry by entry. */
  readonly methodConfig: readonly object[];
  readonly expected: { readonly [method: string]: MethodDefaults };
}

/** Methods of a service, or all of it. */
function names(service: string, methods = ""): object[] {
  if (methods === "") return [{ service }];
  return methods.split(" ").map((method) => ({ service, method }));
}

/** The policy that most of these files have. */
const retryPolicy = (...retryableStatusCodes: string[]) => ({
  maxAttempts: 5,
  initialBackoff: "0.100s",
  maxBackoff: "60s",
  backoffMultiplier: 1.3,
  retryableStatusCodes,
});
const retry = (...codes: Code[]): RetryPolicy => ({
  maxAttempts: 5,
  initialBackoffMs: 100,
  maxBackoffMs: 60_000,
  backoffMultiplier: 1.3,
  codes,
});

/** What each of these methods has. */
function each(service: string, methods: string, defaults: MethodDefaults): [string, MethodDefaults][] {
  return methods.split(" ").map((method) => [`${service}/${method}`, defaults]);
}

const { UNAVAILABLE, UNKNOWN, ABORTED, INTERNAL, DEADLINE_EXCEEDED, RESOURCE_EXHAUSTED, CANCELLED } = Code;

/** Names IAM's methods as those of both services, which take them over from google.iam.v1.IAMPolicy. */
function pubsub(): Api {
  const publisher = "google.pubsub.v1.Publisher";
  const subscriber = "google.pubsub.v1.Subscriber";
  const writing =
    "UpdateSubscription DeleteSubscription ModifyAckDeadline ModifyPushConfig CreateSnapshot UpdateSnapshot";
  const reading = "CreateSubscription GetSubscription ListSubscriptions ListSnapshots GetSnapshot Seek Pull";
  const timeout = "60s";
  return {
    protos: ["google/pubsub/v1/pubsub.proto"],
    methodConfig: [
      {
        name: names(publisher, "CreateTopic UpdateTopic DeleteTopic SetIamPolicy TestIamPermissions"),
        timeout,
        retryPolicy: retryPolicy("UNAVAILABLE"),
      },
      {
        name: names(publisher, "Publish"),
        timeout,
        retryPolicy: retryPolicy(
          ...["ABORTED", "CANCELLED", "INTERNAL", "RESOURCE_EXHAUSTED", "UNKNOWN", "UNAVAILABLE", "DEADLINE_EXCEEDED"],
        ),
      },
      {
        name: names(publisher, "GetTopic ListTopics ListTopicSubscriptions ListTopicSnapshots GetIamPolicy"),
        timeout,
        retryPolicy: retryPolicy("UNKNOWN", "ABORTED", "UNAVAILABLE"),
      },
      {
        name: names(subscriber, "StreamingPull"),
        timeout: "900s",
        retryPolicy: retryPolicy("DEADLINE_EXCEEDED", "RESOURCE_EXHAUSTED", "ABORTED", "INTERNAL", "UNAVAILABLE"),
      },
      {
        name: names(subscriber, `${reading} GetIamPolicy`),
        timeout,
        retryPolicy: retryPolicy("UNKNOWN", "ABORTED", "UNAVAILABLE"),
      },
      {
        name: names(subscriber, `${writing} DeleteSnapshot Acknowledge SetIamPolicy TestIamPermissions`),
        timeout,
        retryPolicy: retryPolicy("UNAVAILABLE"),
      },
    ],
    expected: Object.fromEntries([
      ...each("Publisher", "CreateTopic UpdateTopic", { timeoutMs: 60_000, retry: retry(UNAVAILABLE) }),
      ...each("Publisher", "Publish", {
        timeoutMs: 60_000,
        retry: retry(...[ABORTED, CANCELLED, INTERNAL, RESOURCE_EXHAUSTED, UNKNOWN, UNAVAILABLE, DEADLINE_EXCEEDED]),
      }),
      ...each("Publisher", "GetTopic ListTopics ListTopicSubscriptions ListTopicSnapshots", {
        timeoutMs: 60_000,
        retry: retry(UNKNOWN, ABORTED, UNAVAILABLE),
      }),
      ...each("Publisher", "DeleteTopic", { timeoutMs: 60_000, retry: retry(UNAVAILABLE) }),
      ...each("Subscriber", "StreamingPull", {
        timeoutMs: 900_000,
        retry: retry(DEADLINE_EXCEEDED, RESOURCE_EXHAUSTED, ABORTED, INTERNAL, UNAVAILABLE),
      }),
      ...each("Subscriber", reading, { timeoutMs: 60_000, retry: retry(UNKNOWN, ABORTED, UNAVAILABLE) }),
      ...each("Subscriber", `${writing} DeleteSnapshot Acknowledge`, {
        timeoutMs: 60_000,
        retry: retry(UNAVAILABLE),
      }),
    ]),
  };
}

/** Says nowhere how many attempts there are. */
function spanner(): Api {
  const service = "google.spanner.v1.Spanner";
  const most =
    "CreateSession GetSession DeleteSession ExecuteSql ExecuteBatchDml Read BeginTransaction Rollback PartitionQuery PartitionRead";
  const policy = {
    initialBackoff: "0.250s",
    maxBackoff: "32s",
    backoffMultiplier: 1.3,
    retryableStatusCodes: ["UNAVAILABLE"],
  };
  const five = { ...retry(UNAVAILABLE), initialBackoffMs: 250, maxBackoffMs: 32_000 };
  return {
    protos: ["google/spanner/v1/spanner.proto"],
    methodConfig: [
      { name: names(service, "ExecuteStreamingSql StreamingRead"), timeout: "3600s" },
      { name: names(service, "Commit ListSessions"), timeout: "3600s", retryPolicy: policy },
      { name: names(service, "BatchCreateSessions"), timeout: "60s", retryPolicy: policy },
      { name: names(service, most), timeout: "30s", retryPolicy: policy },
    ],
    expected: Object.fromEntries([
      ...each("Spanner", "ExecuteStreamingSql StreamingRead", { timeoutMs: 3_600_000 }),
      ...each("Spanner", "Commit ListSessions", { timeoutMs: 3_600_000, retry: five }),
      ...each("Spanner", "BatchCreateSessions", { timeoutMs: 60_000, retry: five }),
      ...each("Spanner", most, { timeoutMs: 30_000, retry: five }),
    ]),
  };
}

function firestore(): Api {
  const service = "google.firestore.v1.Firestore";
  const most = "GetDocument ListDocuments DeleteDocument BeginTransaction Rollback ListCollectionIds";
  const codes = ["UNAVAILABLE", "INTERNAL", "DEADLINE_EXCEEDED"];
  const again = retry(UNAVAILABLE, INTERNAL, DEADLINE_EXCEEDED);
  return {
    protos: ["google/firestore/v1/firestore.proto"],
    methodConfig: [
      {
        name: names(service, "CreateDocument UpdateDocument Commit"),
        timeout: "60s",
        retryPolicy: retryPolicy("UNAVAILABLE"),
      },
      { name: names(service, "BatchGetDocuments RunQuery"), timeout: "300s", retryPolicy: retryPolicy(...codes) },
      { name: names(service, "Listen"), timeout: "86400s", retryPolicy: retryPolicy(...codes) },
      { name: names(service, "Write"), timeout: "86400s" },
      { name: names(service, most), timeout: "60s", retryPolicy: retryPolicy(...codes) },
      { name: names(service, "BatchWrite"), timeout: "60s", retryPolicy: retryPolicy("UNAVAILABLE", "ABORTED") },
    ],
    expected: Object.fromEntries([
      ...each("Firestore", "CreateDocument UpdateDocument Commit", { timeoutMs: 60_000, retry: retry(UNAVAILABLE) }),
      ...each("Firestore", "BatchGetDocuments RunQuery", { timeoutMs: 300_000, retry: again }),
      ...each("Firestore", "Listen", { timeoutMs: 86_400_000, retry: again }),
      ...each("Firestore", "Write", { timeoutMs: 86_400_000 }),
      ...each("Firestore", most, { timeoutMs: 60_000, retry: again }),
      ...each("Firestore", "BatchWrite", { timeoutMs: 60_000, retry: retry(UNAVAILABLE, ABORTED) }),
    ]),
  };
}

function operations(): Api {
  const methods = "GetOperation ListOperations CancelOperation DeleteOperation";
  const policy = { ...retryPolicy("UNAVAILABLE"), initialBackoff: "0.5s", maxBackoff: "10s", backoffMultiplier: 2.0 };
  return {
    protos: ["google/longrunning/operations.proto"],
    methodConfig: [{ name: names("google.longrunning.Operations", methods), timeout: "10s", retryPolicy: policy }],
    expected: Object.fromEntries(
      each("Operations", methods, {
        timeoutMs: 10_000,
        retry: { ...retry(UNAVAILABLE), initialBackoffMs: 500, maxBackoffMs: 10_000, backoffMultiplier: 2 },
      }),
    ),
  };
}

/** One entry, for the whole service. */
function storage(): Api {
  const methods =
    "DeleteBucket GetBucket CreateBucket ListBuckets LockBucketRetentionPolicy GetIamPolicy SetIamPolicy TestIamPermissions " +
    "UpdateBucket ComposeObject DeleteObject RestoreObject CancelResumableWrite GetObject ReadObject BidiReadObject " +
    "UpdateObject WriteObject BidiWriteObject ListObjects RewriteObject StartResumableWrite QueryWriteStatus MoveObject";
  const policy = { ...retryPolicy("DEADLINE_EXCEEDED", "UNAVAILABLE"), initialBackoff: "1s", backoffMultiplier: 2 };
  return {
    protos: ["google/storage/v2/storage.proto"],
    methodConfig: [{ name: names("google.storage.v2.Storage"), timeout: "60s", retryPolicy: policy }],
    expected: Object.fromEntries(
      each("Storage", methods, {
        timeoutMs: 60_000,
        retry: { ...retry(DEADLINE_EXCEEDED, UNAVAILABLE), initialBackoffMs: 1000, backoffMultiplier: 2 },
      }),
    ),
  };
}

/** A whole service, and one method of another. */
function textToSpeech(): Api {
  const service = "google.cloud.texttospeech.v1.TextToSpeech";
  return {
    protos: ["google/cloud/texttospeech/v1/cloud_tts.proto", "google/cloud/texttospeech/v1/cloud_tts_lrs.proto"],
    methodConfig: [
      {
        name: names(service),
        timeout: "300s",
        retryPolicy: { ...retryPolicy("UNAVAILABLE", "DEADLINE_EXCEEDED"), maxAttempts: undefined },
      },
      { name: names(`${service}LongAudioSynthesize`, "SynthesizeLongAudio"), timeout: "5000s" },
    ],
    expected: Object.fromEntries([
      ...each("TextToSpeech", "ListVoices SynthesizeSpeech StreamingSynthesize", {
        timeoutMs: 300_000,
        retry: retry(UNAVAILABLE, DEADLINE_EXCEEDED),
      }),
      ...each("TextToSpeechLongAudioSynthesize", "SynthesizeLongAudio", { timeoutMs: 5_000_000 }),
    ]),
  };
}

describe.each([
  ["Pub/Sub", pubsub()],
  ["Spanner", spanner()],
  ["Firestore", firestore()],
  ["long-running operations", operations()],
  ["Storage", storage()],
  ["Text-to-Speech", textToSpeech()],
])("the tables of %s say what its file says", (_name, { protos, methodConfig, expected }) => {
  test.each([["ts-proto"], ["protobuf-es"]])(
    "with messages=%s",
    async (library) => {
      const response = await generateWith({ methodConfig }, withImports(protos), `messages=${library}`, protos);
      expect(await defaultsOf(response)).toEqual(expected);
    },
    60_000,
  );
});
