// Package relation holds the nouns that every other package speaks in: types,
// values, schemas, changes and positions. It stores nothing and reads nothing.
//
// A Value is a small struct without pointers of its own (text and bytes alias
// a string), so that rows can be moved about without touching the heap. A null,
// a failed computation and PostgreSQL's "unchanged TOAST" are kinds of values,
// never flags beside them: whoever handles a value must say what it does with
// each.
package relation
