package main

import (
	"errors"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"
)

// reach is how a command finds the daemon: by the socket in the project's data
// directory, or by --url and --token where an ordinary client could do it too.
type reach struct {
	url, token string
}

func (r *reach) add(cmd *cobra.Command) {
	cmd.Flags().StringVar(&r.url, "url", "", "ask the daemon at this `URL` instead of the project's own")
	cmd.Flags().StringVar(&r.token, "token", "", "the `bearer` token for --url")
}

// daemon finds it; whether it answers is seen by the first request.
func (r *reach) daemon(c *cli) (*daemon, error) {
	if r.url != "" {
		if !strings.Contains(r.url, "://") {
			return nil, hintf("write it whole, as in http://127.0.0.1:8420").errorf("--url %q has no scheme", r.url)
		}
		return atURL(strings.TrimSuffix(strings.TrimSuffix(r.url, "/"), "/graphql"), r.token), nil
	}
	if r.token != "" {
		return nil, withHint(errors.New("--token is for --url alone"), "the project's own daemon is reached by its socket, which needs no token")
	}
	dataDir, err := c.dataDir()
	if err != nil {
		return nil, err
	}
	return atSocket(filepath.Join(dataDir, socketName)), nil
}
