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
// Invariants: all fields of a request read one snapshot; nothing recursive or
// worse than linear sees a text before its budgets are checked; a reply never
// shows why an internal error happened, the log does.
package query
