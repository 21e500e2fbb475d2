// GraphQL over HTTP, judged by the audits of the working group's reference implementation.
import assert from "node:assert/strict";
import { after, test } from "node:test";
import { serverAudits } from "graphql-http";

const audits = serverAudits({ url: process.env.ODSD_URL });

test("there are audits", () => assert.ok(audits.length > 50, `${audits.length} audits`));

const kept = { MUST: 0, SHOULD: 0, MAY: 0 };
const all = { MUST: 0, SHOULD: 0, MAY: 0 };

for (const { id, name, fn } of audits) {
  test(`${id} ${name}`, async (t) => {
    const word = name.split(" ")[0];
    all[word]++;
    const result = await fn();
    if (result.status === "ok") kept[word]++;
    if (result.status === "error") assert.fail(result.reason);
    if (result.status !== "ok") t.diagnostic(`${result.status}: ${result.reason}`);
  });
}

after(() => {
  console.log(Object.keys(all).map((word) => `${word}: ${kept[word]} of ${all[word]}`).join(", "));
});
