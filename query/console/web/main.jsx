// The page that odsd serves at GET /graphql: GraphiQL on the endpoint it came from.
import React from "react";
import { createRoot } from "react-dom/client";
import { GraphiQL } from "graphiql";
import { createGraphiQLFetcher } from "@graphiql/toolkit";
import "graphiql/style.css";
import "./page.css";

const help = `# Ctrl-Enter runs the query at the cursor.
# The icon at the top left lists every view and its fields.
#
# Each view has three ways in:
#   <view>(<key>: …)            one document
#   <view>ByKeys(keys: [ … ])   several, in the order asked
#   <view>List(first: 50)       all of them, in pages
#
# To read your own write, take pg_current_wal_flush_lsn() after its commit:
#   query @consistency(waitFor: [{source: "shop", lsn: "16/B374D848"}]) { … }

query Freshness {
  _freshness {
    source
    lsn
    committedAt
    lagSeconds
    state
  }
}
`;

async function ask(query, variables) {
  const reply = await fetch("/graphql", {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify({ query, variables }),
  });
  return (await reply.json()).data;
}

// Everything that an example is made from, in one question.
const schema = `{
  __schema {
    queryType { name }
    types {
      name
      fields {
        name
        args { name }
        type { kind name ofType { kind name ofType { kind name ofType { kind name } } } }
      }
    }
  }
}`;

// What a field's type comes to: the type's name, its kind, and whether it is a list.
function unwrap(type) {
  let list = false;
  for (; type.ofType; type = type.ofType) list ||= type.kind === "LIST";
  return { name: type.name, object: type.kind === "OBJECT", list };
}

// A type's fields, each with what its type comes to.
function fieldsOf(types, name) {
  return types.get(name).map((field) => ({ ...field, ...unwrap(field.type), field: field.name }));
}

// How deep a type's documents nest lists.
function richness(types, name, seen = []) {
  if (seen.includes(name)) return 0;
  const depths = fieldsOf(types, name).filter((f) => f.object).map((f) => richness(types, f.name, [...seen, name]) + (f.list ? 1 : 0));
  return Math.max(0, ...depths);
}

const nested = 3; // entries of a list inside a document

// The selection of a type's fields, with what is nested in them.
function selection(types, name, indent, seen = []) {
  const lines = [];
  for (const f of fieldsOf(types, name)) {
    if (!f.object) lines.push(indent + f.field);
    if (!f.object || [...seen, name].includes(f.name)) continue;
    const limit = f.list && f.args.some((a) => a.name === "limit") ? `(limit: ${nested})` : "";
    lines.push(`${indent}${f.field}${limit} {`, selection(types, f.name, indent + "  ", [...seen, name]), indent + "}");
  }
  return lines.length ? lines.join("\n") : indent + "__typename";
}

// A query that runs as it stands, for the view whose documents nest the deepest.
async function example() {
  const { queryType, types: all } = (await ask(schema)).__schema;
  const types = new Map(all.map((type) => [type.name, type.fields ?? []]));
  const roots = fieldsOf(types, queryType.name);
  let best;
  for (const { field, name } of roots) {
    if (!roots.some((root) => root.field === field + "List")) continue;
    const rank = [richness(types, name), types.get(name).length];
    if (!best || rank[0] > best.rank[0] || (rank[0] === best.rank[0] && rank[1] > best.rank[1])) best = { field, name, rank };
  }
  if (!best) return "";
  return `
query FirstPage {
  ${best.field}List(first: 5) {
    nodes {
${selection(types, best.name, "      ")}
    }
    pageInfo {
      hasNextPage
      endCursor
    }
    totalCount
  }
}
`;
}

const fetcher = createGraphiQLFetcher({ url: "/graphql" });
const root = createRoot(document.getElementById("graphiql"));

example()
  .catch(() => "")
  .then((query) => root.render(<GraphiQL fetcher={fetcher} defaultQuery={help + query} defaultEditorToolsVisibility={false} />));
