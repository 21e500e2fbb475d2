// Package server puts a query.Service on HTTP: GraphQL over HTTP, GraphiQL for
// browsers, health for orchestrators, and on a listener of its own metrics and
// profiles.
//
// Requests that a browser could be made to send from another site are refused:
// a body must be application/json, no CORS header is ever sent, and on a
// loopback listener the Host must not be a name that somebody else's DNS points
// here. The one goroutine of Serve is joined before it returns.
package server
