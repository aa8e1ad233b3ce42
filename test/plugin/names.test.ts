import { PluginError } from "../../plugin/src/errors.js";
import { fileServiceNames, methodNames, reservedWords, serviceFileName } from "../../plugin/src/names.js";
import { file, method, service } from "./models.js";

test.each([
  ["greeter.proto", "greeter_grpc.ts"],
  ["demo/v1/greeter.proto", "demo/v1/greeter_grpc.ts"],
  ["a.proto.proto", "a.proto_grpc.ts"],
  ["no-extension", "no-extension_grpc.ts"],
])("the services of %s go to %s", (proto, path) => {
  expect(serviceFileName(proto)).toBe(path);
});

describe("what a service exports", () => {
  const namesOf = (...services: string[]) => fileServiceNames(file(services.map((name) => service(name, []))));

  test("Greeter", () => {
    expect(namesOf("Greeter")).toEqual([
      {
        desc: "GreeterDesc",
        client: "GreeterClient",
        createClient: "greeterClient",
        sharedClient: "sharedGreeterClient",
        server: "GreeterServer",
        unimplementedServer: "UnimplementedGreeterServer",
        handlers: "greeterHandlers",
        options: "greeterOptions",
        registerServer: "registerGreeterServer",
        descriptors: "greeterDescriptors",
      },
    ]);
  });

  test("a service in lower case: interface and function share a name, as TypeScript allows", () => {
    expect(namesOf("foo")).toMatchObject([{ client: "fooClient", createClient: "fooClient", desc: "fooDesc" }]);
  });

  test.each([
    [
      ["X", "SharedX"],
      ["sharedXClient", "sharedSharedXClient$"],
    ],
    [
      ["SharedX", "X"],
      ["sharedSharedXClient", "sharedXClient$"],
    ],
    [
      ["Foo", "UnimplementedFoo"],
      ["sharedFooClient", "sharedUnimplementedFooClient$"],
    ],
    [
      ["Foo", "foo"],
      ["sharedFooClient", "sharedfooClient$"],
    ],
    [
      ["X", "x", "SharedX"],
      ["sharedXClient", "sharedxClient$", "sharedSharedXClient$"],
    ],
    [
      ["Foo", "Bar"],
      ["sharedFooClient", "sharedBarClient"],
    ],
    [
      ["Greeter", "SharedGreeter", "UnimplementedGreeter", "greeter"],
      [
        "sharedGreeterClient",
        "sharedSharedGreeterClient$",
        "sharedUnimplementedGreeterClient$",
        "sharedgreeterClient$",
      ],
    ],
    [
      ["_", "__", "_1", "__proto__"],
      ["shared_Client", "shared__Client", "shared_1Client", "shared__proto__Client"],
    ],
  ])("%j: all names of a later service that clashes end in $", (services, shared) => {
    expect(namesOf(...services).map((names) => names.sharedClient)).toEqual(shared);
  });
});

describe("what a method is called", () => {
  const nameOf = (rpc: string) => methodNames(file([]), service("Greeter", [method(rpc)]))[0];

  test.each([
    ["SayHello", "sayHello"],
    ["sayHello", "sayHello"],
    ["GetAPIValue", "getAPIValue"],
    ["API", "aPI"],
    ["get_thing", "getThing"],
    ["Get_Thing__twice", "getThingTwice"],
    ["get_1st", "get1st"],
    ["_Get_thing", "_getThing"],
    ["get_", "get_"],
    ["_", "_"],
    ["_1", "_1"],
    ["Delete", "delete"],
    ["Constructor", "constructor$"],
    ["New", "new$"],
    ["Then", "then$"],
    ["ToJSON", "toJSON$"],
    ["to_string", "toString$"],
    ["ValueOf", "valueOf$"],
    ["HasOwnProperty", "hasOwnProperty$"],
    ["__proto__", "__proto__$"],
    ["__Proto__", "__proto__$"],
  ])("%s → %s", (rpc, name) => {
    expect(nameOf(rpc)).toBe(name);
  });

  // Members are not declared: what is reserved for a variable is free for them.
  test.each([
    ["words of the language", "delete class default function import null this typeof void await yield arguments eval"],
    ["types", "any never object string symbol undefined unknown keyof readonly infer"],
    ["globals", "globalThis isNaN require exports process console"],
    ["members of functions and promises", "apply bind call caller length name prototype catch finally"],
    ["what our code calls its own", "channel close handler methods next options path request requests server target"],
    ["what looks like an escape", "u0041 x41"],
  ])("%s stay as they are", (_, words) => {
    for (const word of words.split(" ")) expect(nameOf(word)).toBe(word);
  });

  test("nothing that every object has is a method", () => {
    for (const member of Object.getOwnPropertyNames(Object.prototype)) expect(nameOf(member)).toBe(`${member}$`);
  });

  test("a name that ends in $ cannot be another rpc's", () => {
    const rpcs = ["constructor", "then", "__proto__", "toString"].map((rpc) => method(rpc));
    const names = methodNames(file([]), service("Greeter", [...rpcs, method("constructor_"), method("then_")]));
    expect(names).toEqual(["constructor$", "then$", "__proto__$", "toString$", "constructor_", "then_"]);
  });

  test("two rpcs of one name are refused by both their names", () => {
    const clash = () => methodNames(file([]), service("Greeter", [method("GetThing"), method("get_thing")]));
    expect(clash).toThrow(PluginError);
    expect(clash).toThrow(/GetThing.*get_thing.*getThing/);
  });
});

test.each(["delete", "default", "constructor", "prototype", "Object", "Promise", "__proto__", "then", "_", "_1"])(
  "all that service %s exports can be declared: a word is never alone",
  (name) => {
    const [names] = fileServiceNames(file([service(name, [])]));
    for (const exported of Object.values(names!)) {
      expect(exported).toMatch(/^[A-Za-z_][\w$]*$/);
      expect(reservedWords).not.toContain(exported);
      expect(exported in globalThis).toBe(false);
    }
  },
);

test("words that no import is called are listed once", () => {
  expect(new Set(reservedWords).size).toBe(reservedWords.length);
});
