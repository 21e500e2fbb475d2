// Package yamlfile reads the files of a project strictly, and words what is
// wrong with them.
//
// It works on YAML nodes, never on decoded structs, so that whatever is found,
// here or by those who judge the contents later, has a place: file, line,
// column, length. Nothing is skipped in silence: an unknown key, a second key of
// one name, a tag, an anchor or alias, an empty expression are each an error,
// and all errors of a file come at once.
//
// The invariant: a node that was found wrong is marked so, and every later
// question about it is answered with "no" and without a second message.
package yamlfile
