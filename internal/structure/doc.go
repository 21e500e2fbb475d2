// Package structure holds no code, only tests of how the others are arranged:
// which package may import which, which one alone may import a heavy dependency,
// how large files get, and that every package says what it is for.
package structure
