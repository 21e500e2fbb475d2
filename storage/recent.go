package storage

import "sync"

// recent keeps what commits read lately, so that the next commit need not look for it in
// every level of the store: a value that is kept costs a tenth of one that Pebble has in its
// own cache. It holds the store's state as of the last commit, absent keys included: Apply
// brings up to date what is kept. It serves the commit that holds Store.writer, and its forks.
//
// It forgets by halves: what was not asked for while the young half filled goes with the old one.
type recent struct {
	mu         sync.Mutex
	young, old map[string]kept
	size       int // about, of the young half
	limit      int // of each half, in bytes
}

// kept is what the store has of a key.
type kept struct {
	value []byte // which nobody changes
	found bool
}

// keptOverhead is about what an entry takes besides its bytes.
const keptOverhead = 112

func newRecent(bytes int64) *recent {
	return &recent{young: map[string]kept{}, limit: int(bytes / 2)}
}

func (r *recent) get(key []byte) (k kept, known bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if k, known = r.young[string(key)]; known {
		return k, true
	}
	if k, known = r.old[string(key)]; known {
		r.add(key, k)
	}
	return k, known
}

// keep keeps what was read.
func (r *recent) keep(key []byte, k kept) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.add(key, k)
}

func (r *recent) add(key []byte, k kept) {
	if r.size += len(key) + len(k.value) + keptOverhead; r.size > r.limit {
		r.old, r.young, r.size = r.young, make(map[string]kept, len(r.young)), 0
	}
	r.young[string(key)] = k
}

// wrote brings a key up to date that was written, if it is kept. Nobody reads meanwhile.
func (r *recent) wrote(key, value []byte, deleted bool) {
	half := r.young
	if _, known := half[string(key)]; !known {
		if half = r.old; half == nil {
			return
		}
		if _, known = half[string(key)]; !known {
			return
		}
	}
	k := kept{found: !deleted}
	if k.found {
		k.value = append(make([]byte, 0, len(value)), value...)
	}
	half[string(key)] = k
}

// clear forgets everything, after what changes more than single keys.
func (r *recent) clear() {
	clear(r.young)
	r.old, r.size = nil, 0
}
