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
		case isLog(name):
			if holds, err := s.holdsBytes(name); err != nil || holds {
				return false, err
			}
		default:
			return false, nil
		}
	}
	return true, nil
}

// holdsBytes says whether a file of the store is not empty.
func (s *Store) holdsBytes(name string) (bool, error) {
	info, err := s.fs.Stat(s.fs.PathJoin(s.dir, name))
	if err != nil {
		return false, fmt.Errorf("look at store %s: %w", s.dir, err)
	}
	return info.Size() > 0, nil
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
