package main

import "path/filepath"

// dataDir is where the project's daemon keeps its store and its socket.
func (c *cli) dataDir() (string, error) {
	return filepath.Join(c.dir, "data"), nil
}
