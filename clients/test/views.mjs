// The views of examples/ and what is asked of them.
import { gql } from "graphql-request";

export const views = [
  {
    field: "customer360",
    type: "Customer360",
    key: { name: "id", type: "BigInt!" },
    absent: "999999999",
    compare: (a, b) => Number(BigInt(a) - BigInt(b)),
    selection: `id name emailAddress country tags customerSince paidTotal orderCount vip
      addresses { kind city } orders(limit: 3) { number total items { quantity lineTotal product { sku name } } shipments { carrier status } }`,
  },
  {
    field: "orderBoard",
    type: "OrderBoard",
    key: { name: "id", type: "BigInt!" },
    absent: "999999999",
    compare: (a, b) => Number(BigInt(a) - BigInt(b)),
    selection: "id number status placedAt total toPack customer { name segment } shipment { carrier status } items { quantity product { name category { name } } }",
  },
  {
    field: "productSales",
    type: "ProductSales",
    key: { name: "sku", type: "String!" },
    absent: "no such",
    compare: (a, b) => (a < b ? -1 : Number(a > b)),
    selection: "sku name price margin category { name parent { name } } unitsSold revenue items(limit: 3) { quantity order { number status } }",
  },
];

// page asks for one page of a view's list.
export const page = (view) => gql`
  query Page($first: Int, $after: String) {
    list: ${view.field}List(first: $first, after: $after) {
      nodes { ${view.key.name} }
      edges { cursor node { ${view.key.name} } }
      pageInfo { hasNextPage hasPreviousPage startCursor endCursor }
      totalCount
    }
  }
`;

// lookups asks for one document by key and for several by keys, of one state of the store.
export const lookups = (view) => gql`
  query Lookups($key: ${view.key.type}, $keys: [${view.type}Key!]!) {
    one: ${view.field}(${view.key.name}: $key) { ...Document }
    several: ${view.field}ByKeys(keys: $keys) { ...Document }
  }
  fragment Document on ${view.type} { ${view.selection} }
`;
