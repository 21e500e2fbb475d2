package storage

import "fmt"

// Format is the newest format of stores that this program reads, and the one
// it writes. It counts up with every change of the keyspace or of what is stored in
// it that an older program would misread:
//
//	1  the first
//	2  frontiers have the mark of the last transaction; those of before are read as well
const Format = 2

// needs is the lowest version of odsd that reads Format, written into each
// store for the sake of older programs.
const needs = "0.1.0"

// formatName is the meta document that every store has from its creation.
const formatName = "format"

type formatRecord struct {
	Format int    `json:"format"`
	Needs  string `json:"needs"`
}

// checkFormat reads the store's format, and writes it into an empty store or an older one.
func (s *Store) checkFormat() error {
	snapshot := s.Snapshot()
	var record formatRecord
	found, err := GetMeta(snapshot, formatName, &record)
	empty := false
	if err == nil && !found {
		empty, err = isEmpty(snapshot)
	}
	if closeErr := snapshot.Close(); err == nil {
		err = closeErr
	}
	switch {
	case err != nil:
		return err
	case found && record.Format > Format:
		return &FormatError{Dir: s.dir, Found: record.Format, Supported: Format, Needs: record.Needs}
	case found && record.Format < 1, !found && !empty:
		return &CorruptError{Dir: s.dir, Cause: fmt.Errorf("it does not say which format it has")}
	case !found, record.Format < Format: // what is written from now on is not for older programs
		return s.writeFormat()
	}
	return nil
}

func isEmpty(r Reader) (bool, error) {
	cursor := r.Scan(nil, nil)
	empty := !cursor.Next()
	return empty, cursor.Close()
}

func (s *Store) writeFormat() error {
	c := s.Begin()
	if err := SetMeta(c, formatName, formatRecord{Format: Format, Needs: needs}); err != nil {
		c.Abandon()
		return err
	}
	if err := c.Apply(); err != nil {
		return err
	}
	return s.Sync()
}
