package query

import (
	"container/list"
	"sync"
)

// documentCache keeps validated documents of one schema, the ones used last, by
// their text.
type documentCache struct {
	mu      sync.Mutex
	entries map[string]*list.Element
	recent  *list.List // of *prepared, the last used first
	bytes   int
}

const (
	maxDocuments     = 1_000
	maxDocumentBytes = 2 << 20
	maxCachedText    = 64 << 10
)

func newDocumentCache() *documentCache {
	return &documentCache{entries: map[string]*list.Element{}, recent: list.New()}
}

func (c *documentCache) get(text string) *prepared {
	c.mu.Lock()
	defer c.mu.Unlock()
	e := c.entries[text]
	if e == nil {
		return nil
	}
	c.recent.MoveToFront(e)
	p, _ := e.Value.(*prepared)
	return p
}

// put keeps a document unless it is too long to be one that comes again.
func (c *documentCache) put(text string, p *prepared) {
	if len(text) > maxCachedText {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.entries[text] != nil {
		return
	}
	c.entries[text] = c.recent.PushFront(p)
	c.bytes += len(text)
	for c.recent.Len() > maxDocuments || c.bytes > maxDocumentBytes {
		oldest := c.recent.Back()
		dropped, _ := c.recent.Remove(oldest).(*prepared)
		c.bytes -= len(dropped.document.source)
		delete(c.entries, dropped.document.source)
	}
}
