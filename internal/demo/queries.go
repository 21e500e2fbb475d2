package demo

// Query is a sample to paste into GraphiQL or `odsd query`.
type Query struct {
	About string
	Text  string
}

// Queries are samples for the views of examples/: customer 1 and the two
// products are in every seed, and the workload lets them be.
func Queries() []Query {
	return []Query{
		{"the best customer with the latest orders, what was in them and where they are", `{
  customer360(id: "1") {
    name country paidTotal orderCount vip
    addresses { kind street city }
    orders(limit: 3) {
      number status placedAt total
      items { quantity lineTotal product { sku name } }
      shipments { carrier status trackingCode }
    }
  }
}`},
		{"open orders, the oldest numbers first", `{
  orderBoardList(first: 5) {
    nodes {
      number status placedAt total toPack
      customer { name segment }
      shipment { carrier status }
      items { quantity product { name category { name } } }
    }
    pageInfo { hasNextPage endCursor }
  }
}`},
		{"what two products sold, and who bought them last", `{
  productSalesByKeys(keys: [{sku: "KNF-00001"}, {sku: "CUP-00004"}]) {
    sku name price margin
    category { name parent { name } }
    unitsSold revenue averagePrice lastOrderedAt
    items(limit: 3) { quantity unitPrice order { number status customerId } }
  }
}`},
	}
}
