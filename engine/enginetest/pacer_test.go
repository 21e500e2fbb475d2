package enginetest

import (
	"context"
	"runtime"

	"odsd/engine"
)

// pacer has the writer of a world's engine take one turn after the other: an event
// or none, and a chunk of a build. What a commit finds half built is then a matter of
// turns and not of how fast the machine is.
type pacer struct {
	world *World
	free  func() // ends the hold that the writer is in; nil when it runs
}

type hold struct {
	free func()
	err  error
}

// turn lets the writer take a turn, two at times, and holds it again.
func (p *pacer) turn() error {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	next := make(chan hold, 1)
	go func() {
		free, err := p.world.Engine.Hold(ctx)
		next <- hold{free, err}
	}()
	for range 4 {
		runtime.Gosched() // until it waits for the writer
	}
	p.letGo()
	held := <-next
	p.free = held.free
	return held.err
}

func (p *pacer) letGo() {
	if p.free != nil {
		p.free()
		p.free = nil
	}
}

// commit has a database commit a transaction. The engine takes it in one of its next turns.
func (p *pacer) commit(t Transaction) error {
	if err := p.world.tell(t); err != nil {
		return err
	}
	for range 8 {
		runtime.Gosched() // until the source has told it
	}
	return nil
}

// copied takes turns until every source is copied: a database in memory that
// commits meanwhile would be copied as it is later than it says.
func (p *pacer) copied() error {
	for {
		if err := p.turn(); err != nil {
			return err
		}
		copying := false
		for _, s := range p.world.Engine.Status().Sources {
			copying = copying || s.State != engine.Streaming
		}
		if !copying {
			return nil
		}
	}
}

// restart ends the engine within a turn, whatever is built by then, and starts another.
func (p *pacer) restart() error {
	closed := make(chan error, 1)
	go func() { closed <- p.world.Close() }()
	for range 8 {
		runtime.Gosched() // until the engine is told to end
	}
	p.letGo()
	if err := <-closed; err != nil {
		return err
	}
	if err := p.world.start(); err != nil {
		return err
	}
	return p.turn()
}
