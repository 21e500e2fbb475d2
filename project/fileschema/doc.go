// Package fileschema is the JSON Schema of each kind of file in a project, so that
// an editor's YAML server completes keys, explains them and marks mistakes while
// they are typed.
//
// The strict decoder (internal/yamlfile and those who hand it keys) stays the judge. The invariant: a
// schema has exactly the keys that the decoder knows, mapping by mapping, and
// marks nothing that the decoder takes; both are tested by asking the decoder. A
// key that is not built is there with a schema that nothing satisfies, as the
// decoder names and refuses it.
//
// The schemas are of draft 7, which every YAML server reads, and have no
// alternatives at the top, where a server could not tell which of them was meant.
package fileschema
