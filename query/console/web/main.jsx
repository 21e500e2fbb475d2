// The page that odsd serves at GET /graphql: GraphiQL on the endpoint it came from.
import React from "react";
import { createRoot } from "react-dom/client";
import { GraphiQL } from "graphiql";
import { createGraphiQLFetcher } from "@graphiql/toolkit";
import "graphiql/style.css";

const welcome = `# odsd: press Ctrl-Enter to run.
#
# The book icon on the left lists every view with its fields.
# Each view has three ways in:
#   <view>(<key>: …)            one document
#   <view>ByKeys(keys: [ … ])   many, in the order asked
#   <view>List(first: 50)       pages in key order
#
# Read your own writes: take pg_current_wal_flush_lsn() after your commit and add
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

const fetcher = createGraphiQLFetcher({ url: "/graphql" });

createRoot(document.getElementById("graphiql")).render(
  <GraphiQL fetcher={fetcher} defaultQuery={welcome} defaultEditorToolsVisibility={false} />,
);
