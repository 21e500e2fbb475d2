// The schema that `odsd schema --graphql` prints offline, and the one that a daemon tells.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { buildClientSchema, buildSchema, getIntrospectionQuery, lexicographicSortSchema, printSchema, validateSchema } from "graphql";
import { request } from "graphql-request";

const here = path.dirname(fileURLToPath(import.meta.url));
const odsd = process.env.ODSD ?? path.join(here, "../../bin/odsd");
const sdlOf = (dir) => execFileSync(odsd, ["-C", dir, "schema", "--graphql"], { encoding: "utf8" });
const sorted = (schema) => printSchema(lexicographicSortSchema(schema));

test("the SDL is the schema that introspection tells", async () => {
  const built = buildSchema(sdlOf(path.join(here, "../../examples")));
  assert.deepEqual(validateSchema(built), []);
  const told = buildClientSchema(await request(process.env.ODSD_URL, getIntrospectionQuery()));
  assert.equal(sorted(built), sorted(told));
});

test("descriptions and reasons come through as they were written", () => {
  const texts = [
    'ends with a "quote"', "ends with a backslash \\", 'has """ in it', "two\nlines", "  begins with spaces", "a line\n   set in", "tab\there",
    "\u00fcml\u00e4ute and \u{1f600}", "a text that is so long that it cannot stand on one line with its quotes, and so on".repeat(2), "\u0001 control", "\nempty line first",
  ];
  const dir = mkdtempSync(path.join(tmpdir(), "odsd-sdl-"));
  try {
    const columns = texts.map((_, i) => `    c${i}: {type: bigint}`).join("\n");
    const fields = texts.map((text, i) => `  c${i}: {expr: c${i}, description: ${JSON.stringify(text)}, deprecated: ${JSON.stringify(text)}}`).join("\n");
    const files = {
      "odsd.yaml": "version: 1\n",
      "sources/s.yaml": "version: 1\nsource: s\npostgres: {dsn: x}\ntables: [t]\n",
      "schema/s.yaml": `version: 1\nschema: s\ntables:\n  t:\n   key: [id]\n   columns:\n    id: {type: bigint, not_null: true}\n${columns}\n`,
      "views/v.yaml": `version: 1\nview: v\nfrom: s.t\nfields:\n  id:\n${fields}\n`,
    };
    for (const [name, text] of Object.entries(files)) {
      mkdirSync(path.dirname(path.join(dir, name)), { recursive: true });
      writeFileSync(path.join(dir, name), text);
    }
    const shown = buildSchema(sdlOf(dir)).getType("V").getFields();
    texts.forEach((text, i) => {
      assert.equal(shown[`c${i}`].description, text);
      assert.equal(shown[`c${i}`].deprecationReason, text);
    });
  } finally {
    rmSync(dir, { recursive: true });
  }
});
