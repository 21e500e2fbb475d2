//go:build linux && cgo

package storage

// The C allocator, of which Pebble's cache and memtables take their memory, is to keep few arenas. By default
// there are eight a processor, one for each thread that asks first; what is freed in one serves none of the
// others, so that the process grows far beyond what is in use. It must be said before there are threads.

/*
#include <malloc.h>

// Other C libraries than GNU's have no arenas.
#ifdef M_ARENA_MAX
__attribute__((constructor)) static void fewArenas(void) { mallopt(M_ARENA_MAX, 2); }
#endif
*/
import "C"
