// Clients of applications: graphql-request, and urql, which rewrites documents and sends them by GET.
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { cacheExchange, Client, fetchExchange } from "@urql/core";
import { GraphQLClient, gql } from "graphql-request";
import { lookups, page, views } from "./views.mjs";

const url = process.env.ODSD_URL;
const client = new GraphQLClient(url);
const sources = ["catalog", "crm", "shipping", "shop"];

// walk reads a list to its end.
async function walk(view, first) {
  const keys = [];
  for (let after = null; ; ) {
    const { list } = await client.request(page(view), { first, after });
    const { nodes, edges, pageInfo } = list;
    assert.ok(nodes.length <= first, `a page of ${nodes.length}, asked for ${first}`);
    assert.deepEqual(edges.map((edge) => edge.node), nodes);
    assert.equal(pageInfo.startCursor, edges[0]?.cursor ?? null);
    assert.equal(pageInfo.endCursor, edges.at(-1)?.cursor ?? null);
    if (after === null) assert.equal(pageInfo.hasPreviousPage, false);
    keys.push(...nodes.map((node) => node[view.key.name]));
    if (!pageInfo.hasNextPage) return keys;
    assert.equal(nodes.length, first, "a page that is not the last is full");
    after = pageInfo.endCursor;
  }
}

async function whole(view) {
  const { list } = await client.request(page(view), { first: 10_000 });
  assert.equal(list.pageInfo.hasNextPage, false);
  assert.equal(list.totalCount, list.nodes.length, "totalCount is of the same state as the nodes");
  return list.nodes.map((node) => node[view.key.name]);
}

for (const view of views) {
  describe(`graphql-request: ${view.field}`, () => {
    test("a list ends after all pages, in the order of keys, without gaps or doubles", async () => {
      const before = await whole(view);
      const walked = await walk(view, 7);
      const after = new Set(await whole(view));
      assert.ok(walked.length > 7, `${walked.length} documents`);
      for (let i = 1; i < walked.length; i++) {
        assert.ok(view.compare(walked[i - 1], walked[i]) < 0, `${walked[i - 1]} before ${walked[i]}`);
      }
      // Databases are busy meanwhile: what was there before and after was there all the time.
      const seen = new Set(walked);
      assert.deepEqual(before.filter((key) => after.has(key) && !seen.has(key)), []);
    });

    test("by key and by keys, the same documents, in the order asked", async () => {
      const keys = (await whole(view)).slice(0, 5);
      const asked = [keys[3], view.absent, keys[0], keys[3]];
      const { data, extensions } = await client.rawRequest(lookups(view), {
        key: keys[0], keys: asked.map((key) => ({ [view.key.name]: key })),
      });
      assert.deepEqual(data.several.map((document) => document?.[view.key.name] ?? null), [keys[3], null, keys[0], keys[3]]);
      assert.deepEqual(data.several[2], data.one);
      assert.deepEqual(data.several[3], data.several[0]);
      assert.deepEqual(Object.keys(extensions.freshness).sort(), sources);
      for (const freshness of Object.values(extensions.freshness)) assert.match(freshness.lsn, /^[0-9A-F]+\/[0-9A-F]+$/);
    });
  });
}

test("graphql-request: a list filtered and ordered by variables", async () => {
  const query = gql`
    query Best($where: Customer360Where, $orderBy: [Customer360OrderBy!], $after: String) {
      list: customer360List(where: $where, orderBy: $orderBy, first: 5, after: $after) {
        nodes { segment paidTotal } pageInfo { hasNextPage endCursor }
      }
    }
  `;
  const variables = { where: { segment: { _eq: "consumer" } }, orderBy: [{ paidTotal: "DESC" }] };
  const first = (await client.request(query, variables)).list;
  const second = (await client.request(query, { ...variables, after: first.pageInfo.endCursor })).list;
  const totals = [...first.nodes, ...second.nodes].map((node) => Number(node.paidTotal));
  assert.equal(totals.length, 10);
  assert.deepEqual(totals, [...totals].sort((a, b) => b - a));
  assert.ok([...first.nodes, ...second.nodes].every((node) => node.segment === "consumer"));
});

test("graphql-request: a fault has a code and a place", async () => {
  await assert.rejects(client.request("{ customer360(id: \"1\") { nmae } }"), (error) => {
    const [first] = error.response.errors;
    assert.equal(first.extensions.code, "GRAPHQL_VALIDATION_FAILED");
    assert.deepEqual(first.locations, [{ line: 1, column: 26 }]);
    assert.match(first.message, /name/);
    return true;
  });
});

test("graphql-request: read your own write, by header and by directive", async () => {
  const { _freshness } = await client.request("{ _freshness { source lsn } }");
  const { lsn } = _freshness.find((freshness) => freshness.source === "shop");
  const query = gql`query Wait($shop: [SourcePosition!]) @consistency(waitFor: $shop) { customer360(id: "1") { name } }`;
  const { customer360 } = await client.request(query, { shop: [{ source: "shop", lsn }] });
  const byHeader = await client.request("{ customer360(id: \"1\") { name } }", {}, { "Odsd-Wait-For": `shop=${lsn}` });
  assert.deepEqual(byHeader.customer360, customer360);
});

for (const preferGetMethod of [false, true]) {
  test(`urql by ${preferGetMethod ? "GET" : "POST"}: a document with its types, and the same from the cache`, async () => {
    const methods = [];
    const urql = new Client({
      url, preferGetMethod, exchanges: [cacheExchange, fetchExchange],
      fetch: (input, init) => { methods.push(init.method); return fetch(input, init); },
    });
    const query = "query Customer($id: BigInt!) { customer360(id: $id) { id paidTotal orders(limit: 1) { number } } }";
    const first = await urql.query(query, { id: "1" }).toPromise();
    assert.equal(first.error, undefined);
    assert.equal(first.data.customer360.__typename, "Customer360");
    assert.equal(first.data.customer360.id, "1");
    assert.match(first.data.customer360.paidTotal, /^\d+\.\d\d$/);
    assert.deepEqual(Object.keys(first.extensions.freshness).sort(), sources);
    const second = await urql.query(query, { id: "1" }).toPromise();
    assert.deepEqual(second.data, first.data);
    assert.deepEqual(methods, [preferGetMethod ? "GET" : "POST"]);
  });
}

test("urql: a fault is an error of GraphQL, not of the network", async () => {
  const urql = new Client({ url, exchanges: [fetchExchange] });
  const { error } = await urql.query("{ customer360(id: \"one\") { name } }").toPromise();
  assert.equal(error.networkError, undefined);
  assert.match(error.graphQLErrors[0].extensions.code, /GRAPHQL_VALIDATION_FAILED|BAD_USER_INPUT/);
});
