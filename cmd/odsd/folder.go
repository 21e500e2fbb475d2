package main

import (
	"os"

	"odsd/internal/yamlfile"
	"odsd/project"
)

// dataDir is where the project's daemon keeps its store and its socket.
func (c *cli) dataDir() (string, error) {
	p, found := project.Load(c.dir, os.LookupEnv)
	if err := configError(found); err != nil {
		return "", err
	}
	return p.Config.DataDir, nil
}

// configError is the first error of odsd.yaml, without which nothing can be done
// with the folder.
func configError(found []yamlfile.Diagnostic) error {
	for _, d := range found {
		if d.File == project.ConfigFile && d.Severity == yamlfile.Error {
			return withHint(d, d.Hint)
		}
	}
	return nil
}
