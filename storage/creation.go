package storage

import (
	"fmt"
	"strings"
)

// neverMade says whether the directory has what is left of a store of which the very making was
// interrupted by a loss of power: names that reached the disk before the first manifest did.
// Nothing was ever written to such a store, so it is made anew. One that has a table, or anything
// in a log, or a manifest that cannot be read, is another matter: it is damaged.
func (s *Store) neverMade() (bool, error) {
	names, err := s.fs.List(s.dir)
	if err != nil {
		return false, fmt.Errorf("list store %s: %w", s.dir, err)
	}
	for _, name := range names {
		switch {
		case name == "LOCK", name == "scratch", strings.HasPrefix(name, "marker."), strings.HasPrefix(name, "OPTIONS-"):
		case strings.HasSuffix(name, ".log"):
			info, err := s.fs.Stat(s.fs.PathJoin(s.dir, name))
			if err != nil {
				return false, fmt.Errorf("look at store %s: %w", s.dir, err)
			}
			if info.Size() > 0 {
				return false, nil
			}
		default:
			return false, nil
		}
	}
	return true, nil
}

// clear removes what is left of a making, so that the store can be made anew.
func (s *Store) clear() error {
	names, err := s.fs.List(s.dir)
	if err != nil {
		return fmt.Errorf("list store %s: %w", s.dir, err)
	}
	for _, name := range names {
		if name == "LOCK" {
			continue
		}
		if err := s.fs.RemoveAll(s.fs.PathJoin(s.dir, name)); err != nil {
			return fmt.Errorf("clear store %s: %w", s.dir, err)
		}
	}
	return nil
}
