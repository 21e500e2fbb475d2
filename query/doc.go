// Package query answers GraphQL requests from the documents in the store.
//
//	text ─▶ lex ─▶ parse ─▶ validate ─▶ compile ─▶ read and write JSON
//	        budgets          rules       plan        one snapshot
//
// The text passes our own lexer first, which enforces every budget that can be
// counted in tokens and leaves graphql-go a text that it cannot choke on (lex.go,
// document.go). graphql-go parses, holds the schema, validates and executes
// introspection; everything else is ours. A validated operation is compiled to a
// plan and both are kept by the text (service.go, compile.go, plan.go).
//
// The executor follows the plan over one cursor of the store. A view's rows lie
// in the order in which a document is written,
//
//	root key                                  customer
//	root key │ slot 1 │ order, key            an order
//	root key │ slot 1 │ order, key │ slot 1 │ line    its item
//	root key │ slot 2 │ key                   an address
//
// so a document is one seek and a walk: encoded rows are read where they lie and
// values appended to the reply as JSON, lists that are not asked for or full are
// stepped over (exec.go, walk.go). There are no resolvers and no maps per row.
//
// A list's `where` becomes a tree of conditions (filter.go, bind.go) and that one
// closures which read single columns of encoded rows (match.go). Truth is
// PostgreSQL's: comparing with null, or with a field that could not be computed,
// is unknown, and only what is true is kept. The fields of a `one` without a
// match are null, a list within it is empty, and a condition on a list sees what the
// definition's limit leaves of it.
//
// How a list's documents are found is chosen as data (access.go): by leading parts
// of the root's key or of a declared index that the filter holds at one value, or at
// each of several, then a range, else over all root rows, their subtrees stepped over;
// explain.go prints it. Several values are ranges of their own (span.go), merged
// by sort key, and an index serves the opposite order read backward, groups of ties
// put right on the way (ranges.go). Where documents do not come in the order asked for, a bounded heap keeps the
// first of them (top.go). A document's place in an order is its sort key: the
// order's values and the key in the store's encoding, the same however it was
// found, and cursors hold nothing else. So a page begins behind a place and not
// behind a document, which may be gone by then. Lists in documents are filtered
// and sorted alike, before they are written (lists.go, children.go).
//
// Invariants: all fields of a request read one snapshot; nothing recursive or
// worse than linear sees a text before its budgets are checked; a reply never
// shows why an internal error happened, the log does.
package query
