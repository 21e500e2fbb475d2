package storage

// Memory that a commit hands out piece by piece and gets back all at once.
const (
	arenaChunk = 256 << 10
	keepChunks = 64 // what is kept for the next commit: 16 MiB and as many slabs
	slabChunk  = 512
)

// arena hands out copies of bytes. They stay where they are until reset.
type arena struct {
	chunks  [][]byte
	current int // the chunk being filled
}

func (a *arena) copy(b []byte) []byte {
	if len(b) == 0 {
		return nil
	}
	if len(b) > arenaChunk/4 {
		return append([]byte(nil), b...)
	}
	if a.current < len(a.chunks) && len(a.chunks[a.current])+len(b) > arenaChunk {
		a.current++
	}
	if a.current == len(a.chunks) {
		a.chunks = append(a.chunks, make([]byte, 0, arenaChunk))
	}
	chunk := a.chunks[a.current]
	start := len(chunk)
	chunk = append(chunk, b...)
	a.chunks[a.current] = chunk
	return chunk[start:len(chunk):len(chunk)]
}

func (a *arena) reset() {
	if len(a.chunks) > keepChunks {
		clear(a.chunks[keepChunks:])
		a.chunks = a.chunks[:keepChunks]
	}
	for i := range a.chunks {
		a.chunks[i] = a.chunks[i][:0]
	}
	a.current = 0
}

// slab hands out entries.
type slab struct {
	chunks [][]entry
	used   int // of all chunks together
}

func (s *slab) next() *entry {
	chunk, at := s.used/slabChunk, s.used%slabChunk
	if chunk == len(s.chunks) {
		s.chunks = append(s.chunks, make([]entry, slabChunk))
	}
	s.used++
	return &s.chunks[chunk][at]
}

func (s *slab) reset() {
	if len(s.chunks) > keepChunks {
		clear(s.chunks[keepChunks:])
		s.chunks = s.chunks[:keepChunks]
	}
	for i := 0; i*slabChunk < s.used && i < len(s.chunks); i++ {
		clear(s.chunks[i])
	}
	s.used = 0
}
