// Package demo is a small company in four PostgreSQL databases, one a team:
//
//	crm       customers, addresses
//	shop      orders, order_items        an order's customer is crm's
//	catalog   products, categories       an item's sku is catalog's
//	shipping  shipments                  a shipment's order is shop's
//
// It makes the tables, fills them with plausible rows, and keeps them busy with
// a workload. The demo, bench and tests stand on it.
//
// Invariant: what crosses databases is as right as careful services would keep
// it, though no foreign key does: every committed order has its customer and
// every shipment its order, at every moment and after any crash. Writers take
// row locks in the order crm, shop, shipping, and commit so that a failure
// in between leaves no reference dangling.
//
// The rows of a seed are a pure function of the seed and their number: the same
// on every machine, and any row can be made alone, without those before it.
package demo
