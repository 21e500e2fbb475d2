// The schema as graphql-js, which most tools are built on, sees it.
import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { before, test } from "node:test";
import { buildClientSchema, getIntrospectionQuery, lexicographicSortSchema, parse, printSchema, validate, validateSchema } from "graphql";
import { request } from "graphql-request";
import { lookups, page, views } from "./views.mjs";

const golden = new URL("../schema.graphql", import.meta.url);
let schema;

before(async () => {
  schema = buildClientSchema(await request(process.env.ODSD_URL, getIntrospectionQuery()));
});

test("introspection makes a valid schema", () => assert.deepEqual(validateSchema(schema), []));

test("schema.graphql says what the schema is (make golden rewrites it)", () => {
  const text = printSchema(lexicographicSortSchema(schema)) + "\n";
  if (process.env.ODSD_REWRITE) writeFileSync(golden, text);
  assert.equal(text, readFileSync(golden, "utf8"));
});

test("graphql-js finds the clients' documents valid too", () => {
  for (const view of views) {
    for (const document of [page(view), lookups(view)]) {
      assert.deepEqual(validate(schema, parse(document)), []);
    }
  }
});
