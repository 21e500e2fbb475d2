package storage

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"strings"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/record"
	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/cockroachdb/pebble/v2/wal"
)

// checkManifest looks whether the list of tables is whole. Pebble takes the first record of it that
// it cannot read for one that a crash tore: where a byte has changed in the middle of the list, the
// tables that come after would be gone without a word, and what stands in the log be applied to what
// was long before it. Two things tell that from a crash:
//
//   - A record is synced before the next one is written, so that none comes after a torn one.
//   - Writes are numbered, and the log goes on from the last number that the list knows of: what came in
//     between is removed from the log only after a later record names the tables that have it. So do tables
//     that are ingested, and never in the log, whose record is written before the next write.
//
// Where nothing leads to a list, Pebble would make a new store over what is there.
func (s *Store) checkManifest() error {
	found, err := pebble.Peek(s.dir, s.fs)
	if err != nil {
		return openError(s.dir, err)
	}
	if !found.Exists {
		return s.checkNoRows()
	}
	file, err := s.fs.Open(found.ManifestFilename)
	if err != nil {
		return openError(s.dir, err)
	}
	defer func() { _ = file.Close() }() // it was only read
	name := s.fs.PathBase(found.ManifestFilename)
	list := readManifest(file)
	if list.unread >= 0 {
		follows, err := recordFollows(file, list.unread)
		if err != nil {
			return fmt.Errorf("read store %s: %w", s.dir, err)
		}
		if follows {
			return &CorruptError{Dir: s.dir, Cause: fmt.Errorf("%s cannot be read at byte %d", name, list.unread)}
		}
	}
	missing, err := s.missingWrites(list)
	if err != nil {
		return err
	}
	if missing > 0 {
		return &CorruptError{Dir: s.dir, Cause: fmt.Errorf("%s ends with write %d, and the log has none between that and %d", name, list.last, missing)}
	}
	return nil
}

// checkNoRows looks whether a store without a list of tables is one that was never made: its making ends with the list,
// and rows come after.
func (s *Store) checkNoRows() error {
	names, err := s.fs.List(s.dir)
	if err != nil {
		return fmt.Errorf("list store %s: %w", s.dir, err)
	}
	for _, name := range names {
		holds := strings.HasSuffix(name, ".sst")
		if isLog(name) {
			if holds, err = s.holdsBytes(name); err != nil {
				return err
			}
		}
		if holds {
			return &CorruptError{Dir: s.dir, Cause: fmt.Errorf("there is %s, and no file marker.manifest.* that names the list of tables", name)}
		}
	}
	return nil
}

// missingWrites finds the first write in the log that does not go on from the one before it, nor from what the list knows
// of, and gives its number; 0 where there is none. Where a log cannot be read, Pebble says what that is: a log's end that
// a crash tore, damage, or a disk that fails.
func (s *Store) missingWrites(list tableList) (uint64, error) {
	logs, err := wal.Scan(wal.Dir{FS: s.fs, Dirname: s.dir})
	if err != nil {
		return 0, openError(s.dir, err)
	}
	next := max(list.last+1, firstNumber)
	for _, log := range logs { // the oldest first
		if uint64(log.Num) < list.log {
			continue
		}
		var missing, whole bool
		next, missing, whole = follow(log, next)
		switch {
		case missing:
			return next, nil
		case !whole:
			return 0, nil
		}
	}
	return 0, nil
}

// follow reads the numbers of a log's writes, which all lie below next or go on from there. It gives the
// next one after them, or the one that does not go on; whole says that it came to the log's end.
func follow(log wal.LogicalLog, next uint64) (number uint64, missing, whole bool) {
	reader := log.OpenForRead()
	defer func() { _ = reader.Close() }() // it only reads
	for {
		r, _, err := reader.NextRecord()
		if err != nil {
			return next, false, errors.Is(err, io.EOF)
		}
		// A batch begins with the number of its first write and how many there are.
		var head [8 + 4]byte
		if _, err := io.ReadFull(r, head[:]); err != nil {
			return next, false, false
		}
		first, count := binary.LittleEndian.Uint64(head[:]), binary.LittleEndian.Uint32(head[8:])
		if first > next {
			return first, true, false
		}
		next = max(next, first+uint64(count))
	}
}

// firstNumber is that of a store's first write.
const firstNumber = 10

// tableList is what matters here of a list of tables.
type tableList struct {
	unread int64  // where the first record begins that cannot be read, -1 where all can
	log    uint64 // the oldest log that is not in tables
	last   uint64 // the number of the last write when the last record was written
}

// readManifest reads the records of a list of tables, up to one that cannot be read.
func readManifest(file io.Reader) tableList {
	list := tableList{unread: -1}
	records := record.NewReader(file, 0)
	for {
		at := records.Offset()
		r, err := records.Next()
		if errors.Is(err, io.EOF) {
			return list
		}
		read := list
		if err == nil {
			err = read.readRecord(bufio.NewReader(r))
		}
		if err != nil {
			list.unread = at
			return list
		}
		list = read
	}
}

// The fields of a record up to those that matter, by Pebble's numbers.
const (
	fieldComparer   = 1
	fieldLog        = 2
	fieldNextFile   = 3
	fieldLastWrite  = 4
	fieldOlderLog   = 9
	fieldNewFile    = 105
	fieldUnusedFile = 106
)

// readRecord takes what matters from a record, and reads all of it, so that every part of it
// is known to be what was written.
func (l *tableList) readRecord(r *bufio.Reader) error {
	var err error
	number := func() (n uint64) {
		if err == nil {
			n, err = binary.ReadUvarint(r)
		}
		return n
	}
	for more := true; more && err == nil; {
		switch number() {
		case fieldComparer:
			_, err = io.CopyN(io.Discard, r, int64(min(number(), 1<<20)))
		case fieldLog:
			l.log = number()
		case fieldNextFile, fieldOlderLog, fieldUnusedFile:
			number()
		case fieldNewFile:
			number()
			number()
		case fieldLastWrite:
			l.last = number()
		default:
			more = false // the tables
		}
	}
	if err == nil || errors.Is(err, io.EOF) { // it may have no tables
		_, err = io.Copy(io.Discard, r)
	}
	return err
}

// How a list of tables lies in its file: records are one chunk, or a first, middle ones and a last, and no
// chunk spans two blocks.
//
//	checksum 4 │ length 2 │ kind 1 │ length bytes
const (
	manifestBlock = 32 << 10
	chunkHead     = 4 + 2 + 1
	chunkFull     = 1
	chunkFirst    = 2
)

// recordFollows says whether a record begins after the place of one that cannot be read.
func recordFollows(file vfs.File, after int64) (bool, error) {
	info, err := file.Stat()
	if err != nil {
		return false, err
	}
	if left := manifestBlock - after%manifestBlock; left < chunkHead {
		after += left // the record that cannot be read begins with the next block
	}
	rest := make([]byte, max(info.Size()-after, 0))
	if _, err := file.ReadAt(rest, after); err != nil && !errors.Is(err, io.EOF) {
		return false, err
	}
	for at := 1; at+chunkHead <= len(rest); at++ {
		block := manifestBlock - int((after+int64(at))%manifestBlock) // what the chunk's block has left
		if beginsRecord(rest[at:min(len(rest), at+block)]) {
			return true, nil
		}
	}
	return false, nil
}

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// beginsRecord says whether a block's rest begins with a whole chunk that is the first of its record.
func beginsRecord(b []byte) bool {
	if len(b) < chunkHead || b[6] != chunkFull && b[6] != chunkFirst {
		return false
	}
	length := int(binary.LittleEndian.Uint16(b[4:]))
	if length == 0 || chunkHead+length > len(b) {
		return false
	}
	sum := crc32.Checksum(b[6:chunkHead+length], castagnoli)
	return binary.LittleEndian.Uint32(b) == (sum>>15|sum<<17)+0xa282ead8 // masked, as all of LevelDB's are
}
