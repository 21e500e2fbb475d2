// Package examples is the example project as part of the program, so that the
// demo needs nothing but the binary.
//
// The folder is a project like any other: odsd.yaml, sources, schema, views, tests.
// Its sources read the DSNs of the demo's databases from the environment.
package examples

import "embed"

// Files of the project, as in its folder.
//
//go:embed odsd.yaml sources schema views tests
var Files embed.FS
