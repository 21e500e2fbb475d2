// Package project reads a project folder: odsd.yaml, sources/*.yaml,
// schema/*.yaml, views/*.yaml and tests/*.yaml.
//
// It starts nothing and connects to nothing. All of the folder's errors come at
// once, each with its place; what has errors is left out, the rest stands.
//
// Secrets: `${VAR}` and `${file:…}` in strings of odsd.yaml and of sources are
// resolved while the folder is read, except in a source's DSN, which is resolved
// by Resolve alone: a check without databases needs no passwords. A resolved
// value never appears in a finding.
package project
