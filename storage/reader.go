package storage

// Reader reads one unchanging state of the store, or the pending state of a Commit.
type Reader interface {
	// Get gives a key's value, which is the caller's own.
	Get(key []byte) (value []byte, found bool, err error)
	// Scan reads the keys from lower up to but not including upper, in order. A
	// nil upper means to the end. The bounds are copied. The cursor stands before the first key and
	// must be closed before its reader.
	Scan(lower, upper []byte) Cursor
}

// Cursor walks a range of keys upwards. It serves one goroutine.
type Cursor interface {
	// Next moves to the next key; false at the end and on an error.
	Next() bool
	// SeekGE moves to the first key of the range that is not less than key,
	// forwards or backwards; false where there is none and on an error.
	SeekGE(key []byte) bool
	// Key and Value of the current position, valid until the next move.
	Key() []byte
	Value() []byte
	// Err is the error that ended the walk, nil at a proper end.
	Err() error
	// Close ends the cursor and gives its error. A second Close does nothing.
	Close() error
}

// TwoWayReader is a Reader whose ranges can be walked in both directions.
type TwoWayReader interface {
	Reader
	// ScanBoth is Scan with a cursor that also goes back.
	ScanBoth(lower, upper []byte) TwoWay
}

// TwoWay is a Cursor that also walks downwards. Every move may follow every other.
type TwoWay interface {
	Cursor
	// Prev moves to the key before the current one, to the last one of the range
	// where the cursor has not moved yet; false at the beginning and on an error.
	Prev() bool
	// SeekLT moves to the last key of the range that is less than key; false where
	// there is none and on an error.
	SeekLT(key []byte) bool
}

// Stats counts what a commit did, its Before reader included.
type Stats struct {
	Gets    int64 // keys asked for one at a time
	Seeks   int64 // positionings of cursors
	Nexts   int64 // keys that cursors gave
	Sets    int64
	Deletes int64 // ranges deleted count as one
	Bytes   int64 // of the keys and values to be written, as they stand
}

func (s *Stats) add(o Stats) {
	s.Gets += o.Gets
	s.Seeks += o.Seeks
	s.Nexts += o.Nexts
	s.Sets += o.Sets
	s.Deletes += o.Deletes
}
