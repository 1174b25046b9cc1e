import * as fc from "fast-check";
import { expect, test } from "vitest";
import { duplicateKey } from "../../src/kernel/json.ts";

test.each([
  ['{"a":1,"a":2}', "a"],
  ['{"a":{"b":1,"c":[{"b":1,"b":2}]}}', "b"],
  ['{"a":1,"\\u0061":2}', "a"],
  ['{"\\"":1,"\\"":2}', '"'],
  ['{"__proto__":1,"__proto__":2}', "__proto__"],
])("%s", (json, key) => {
  expect(duplicateKey(json)).toBe(key);
});

test.each(['{"a":{"a":["a","a",{"a":1}]},"b":"a"}', '["x","x"]', '{"a":"{\\"b\\":1,\\"b\\":2}"}', "1", '"a"'])(
  "%s has none",
  (json) => {
    expect(duplicateKey(json)).toBeUndefined();
  },
);

test("what JSON.stringify writes never has one", () => {
  fc.assert(
    fc.property(fc.json(), (json) => {
      expect(duplicateKey(json)).toBeUndefined();
    }),
  );
});
