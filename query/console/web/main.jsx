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

// A query that runs as it stands, for the first view there is.
async function example() {
  const fields = (await ask("{ __schema { queryType { fields { name } } } }")).__schema.queryType.fields;
  const list = fields.map((f) => f.name).find((name) => name.endsWith("List"));
  if (!list) return "";
  const view = list.slice(0, -"List".length);
  const query = (await ask("{ __type(name: \"Query\") { fields { name type { name } } } }")).__type;
  const type = query.fields.find((f) => f.name === view).type.name;
  const columns = await ask(
    "query ($type: String!) { __type(name: $type) { fields { name args { name } type { kind ofType { kind } } } } }",
    { type },
  );
  const scalars = columns.__type.fields.filter((f) => (f.type.ofType ?? f.type).kind === "SCALAR").map((f) => f.name);
  return `
query FirstPage {
  ${list}(first: 5) {
    nodes {
${(scalars.length ? scalars : ["__typename"]).map((name) => `      ${name}`).join("\n")}
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
