package postgres

import (
	"bytes"
	"context"
	"net"
	"net/url"
	"sync"
	"testing"
	"time"
)

// proxy stands between a source and its database, and does to the bytes what a
// network may.
type proxy struct {
	t        *testing.T
	listener net.Listener
	to       string
	joined   sync.WaitGroup

	mu       sync.Mutex
	lines    map[net.Conn]net.Conn
	seen     bytes.Buffer // of all that the server has sent
	swallows bool         // half-open: what either side says is lost
	delay    time.Duration
	cutAfter int // bytes from the server until the connection is cut; 0: never
	cuts     int
	closed   bool // whoever connects is hung up on
	// holdAfter is how many bytes go on from the server on one connection before nothing more
	// of it does; 0: all do. held is closed by whoever lets the rest go on.
	holdAfter int
	sent      map[net.Conn]int // since holdAfter was set
	held      chan struct{}
	holds     net.Conn
}

// newProxy gives a proxy and the DSN of the database behind it.
func newProxy(t *testing.T, dsn string) (*proxy, string) {
	t.Helper()
	u, err := url.Parse(dsn)
	if err != nil {
		t.Fatal(err)
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p := &proxy{t: t, listener: listener, to: u.Host, lines: make(map[net.Conn]net.Conn), sent: make(map[net.Conn]int)}
	u.Host = listener.Addr().String()
	p.joined.Add(1)
	go p.accept()
	t.Cleanup(func() {
		p.mu.Lock()
		p.closed = true
		p.goOn()
		p.mu.Unlock()
		listener.Close()
		p.cut()
		p.joined.Wait()
	})
	return p, u.String()
}

func (p *proxy) accept() {
	defer p.joined.Done()
	for {
		client, err := p.listener.Accept()
		if err != nil {
			return
		}
		server, err := net.Dial("tcp", p.to)
		if err != nil {
			client.Close()
			continue
		}
		p.mu.Lock()
		p.lines[client] = server
		closed := p.closed
		p.mu.Unlock()
		if closed {
			p.hangUp(client, server)
		}
		p.joined.Add(2)
		go p.carry(client, server, false)
		go p.carry(server, client, true)
	}
}

// carry moves bytes from one side to the other until either ends.
func (p *proxy) carry(from, to net.Conn, fromServer bool) {
	defer p.joined.Done()
	defer p.hangUp(from, to)
	buffer := make([]byte, 4096)
	for {
		n, err := from.Read(buffer)
		if err != nil {
			return
		}
		forward, last := p.pass(from, buffer[:n], fromServer)
		if _, err := to.Write(forward); err != nil || last {
			return
		}
	}
}

// pass says what of some bytes goes on, and whether the connection ends there.
func (p *proxy) pass(from net.Conn, b []byte, fromServer bool) (forward []byte, last bool) {
	p.mu.Lock()
	delay, held, holds := p.delay, p.held, p.holds
	p.mu.Unlock()
	if from == holds {
		<-held
	}
	if delay > 0 {
		time.Sleep(delay) // the network's own, which nothing waits for
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.swallows {
		return nil, false
	}
	if fromServer {
		p.seen.Write(b)
		if p.cutAfter > 0 {
			if p.cutAfter -= len(b); p.cutAfter <= 0 {
				b, last = b[:len(b)+p.cutAfter], true
				p.cutAfter = 0
				p.cuts++
			}
		}
		if p.holdAfter > 0 {
			if p.sent[from] += len(b); p.sent[from] >= p.holdAfter {
				p.holdAfter, p.holds, p.held = 0, from, make(chan struct{})
			}
		}
	}
	return b, last
}

// goOn lets go on what is held, under the lock.
func (p *proxy) goOn() {
	if p.holdAfter = 0; p.held != nil {
		close(p.held)
		p.held, p.holds = nil, nil
	}
}

func (p *proxy) hangUp(a, b net.Conn) {
	a.Close()
	b.Close()
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.lines, a)
	delete(p.lines, b)
}

// cut ends every connection.
func (p *proxy) cut() {
	p.mu.Lock()
	lines := p.lines
	p.lines = make(map[net.Conn]net.Conn)
	p.mu.Unlock()
	for client, server := range lines {
		client.Close()
		server.Close()
	}
}

// set changes what the proxy does.
func (p *proxy) set(change func(p *proxy)) {
	p.mu.Lock()
	defer p.mu.Unlock()
	change(p)
}

// saw says whether the server has sent some text.
func (p *proxy) saw(text string) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return bytes.Contains(p.seen.Bytes(), []byte(text))
}

// wait waits for a condition of the proxy.
func (p *proxy) wait(ctx context.Context, what string, met func() bool) {
	p.t.Helper()
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	ticker := time.NewTicker(5 * time.Millisecond)
	defer ticker.Stop()
	for {
		p.mu.Lock()
		ok := met()
		p.mu.Unlock()
		if ok {
			return
		}
		select {
		case <-ticker.C:
		case <-ctx.Done():
			p.t.Fatalf("waiting until %s: still not", what)
		}
	}
}
