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

  test("nothing that every object has is a method", () => {
    for (const member of Object.getOwnPropertyNames(Object.prototype)) expect(nameOf(member)).toBe(`${member}$`);
  });

  test("two rpcs of one name are refused by both their names", () => {
    const clash = () => methodNames(file([]), service("Greeter", [method("GetThing"), method("get_thing")]));
    expect(clash).toThrow(PluginError);
    expect(clash).toThrow(/GetThing.*get_thing.*getThing/);
  });
});

test("words that no import is called are listed once", () => {
  expect(new Set(reservedWords).size).toBe(reservedWords.length);
});
