// Command pgfind prints the folder of the server programs of one major version
// of PostgreSQL, fetching them by npm where the machine has none. Put first
// into PATH, it is what all tests find:
//
//	PATH="$(go run ./internal/pgcluster/pgfind 14):$PATH" go test ./engine/postgres
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strconv"

	"odsd/internal/pgcluster"
)

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "pgfind:", err)
		os.Exit(1)
	}
}

func run() error {
	if len(os.Args) != 2 {
		return errors.New("usage: pgfind MAJOR")
	}
	major, err := strconv.Atoi(os.Args[1])
	if err != nil {
		return fmt.Errorf("%q is not a major version", os.Args[1])
	}
	found, err := pgcluster.Find(context.Background(), pgcluster.FindOptions{Major: major, Progress: os.Stderr})
	if err != nil {
		return err
	}
	fmt.Println(found.Dir)
	return nil
}
