package enginetest

import (
	"os"
	"strconv"
	"testing"
	"time"
)

// playtime says how long a test plays random cases and from which seed: a few fixed
// seeds, or ODSD_ORACLE_SECONDS from a seed of the clock or of ODSD_ORACLE_SEED.
// ODSD_ORACLE_SHRINK=no leaves a failing case as it is.
type playtime struct {
	first  uint64
	played int
	count  int // at least
	end    time.Time
}

func newPlaytime(t *testing.T, count int) *playtime {
	t.Helper()
	seconds, _ := strconv.Atoi(os.Getenv("ODSD_ORACLE_SECONDS"))
	p := &playtime{first: 1, count: count}
	if seconds > 0 {
		p.first = uint64(time.Now().UnixNano())
	}
	if given := os.Getenv("ODSD_ORACLE_SEED"); given != "" {
		n, err := strconv.ParseUint(given, 10, 64)
		if err != nil {
			t.Fatalf("ODSD_ORACLE_SEED: %v", err)
		}
		p.first = n
	}
	p.end = time.Now().Add(time.Duration(seconds) * time.Second)
	return p
}

func (p *playtime) goesOn() bool { return p.played < p.count || time.Now().Before(p.end) }

// next gives the seed of the next case.
func (p *playtime) next() uint64 {
	p.played++
	return p.first + uint64(p.played) - 1
}

// shrinks says whether a failing case is to be made small.
func (p *playtime) shrinks() bool { return os.Getenv("ODSD_ORACLE_SHRINK") != "no" }
