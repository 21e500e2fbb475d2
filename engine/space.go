package engine

import (
	"context"
	"fmt"
	"time"
)

// A full disk ends the daemon at its next write, and it starts no more before somebody has made
// room. So nothing is taken in when little is left: what is stored is served, nothing is
// acknowledged, and the databases wait. What compactions are about and the logs of what is in memory
// still find their place.
const (
	leastSpace  = 512 << 20
	enoughSpace = leastSpace + leastSpace/4 // to go on, lest it goes to and fro
)

// askSpace is how often a full disk is looked at again.
const askSpace = time.Second

// DiskFull is the code of a daemon that has paused for want of room on its disk.
const DiskFull = "DISK_FULL"

// lacksSpace looks at the disk, and tells when taking in pauses and goes on. Where the room
// is not known, there is enough.
func (w *writer) lacksSpace() bool {
	e := w.engine
	free, err := e.store.FreeBytes()
	if err != nil {
		return false
	}
	limit := uint64(leastSpace)
	if e.paused != nil { // read without the lock by its only writer
		limit = enoughSpace
	}
	if free >= limit {
		if e.paused != nil {
			e.pause(nil)
			e.log.Info("taking in again: the disk has room", "free_bytes", free)
		}
		return false
	}
	if e.paused == nil {
		e.pause(&Fault{
			Code:    DiskFull,
			Message: fmt.Sprintf("nothing is taken in: the disk of the store has less than %d MiB left", leastSpace>>20),
			Hint:    fmt.Sprintf("make room: it goes on by itself from %d MiB on, and nothing is lost meanwhile; the databases keep their logs for it", enoughSpace>>20),
		})
		e.log.Error(e.paused.Message, "code", DiskFull, "free_bytes", free, "hint", e.paused.Hint)
	}
	return true
}

func (e *Engine) pause(why *Fault) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.paused = why
}

// waitForSpace waits until the disk is worth another look. Commands are carried out
// meanwhile: people ask for little, and some of it makes room.
func (w *writer) waitForSpace(ctx context.Context) error {
	timer := time.NewTimer(askSpace)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case command := <-w.engine.commands:
		command(w)
		return w.failed
	case <-timer.C:
		return nil
	}
}
