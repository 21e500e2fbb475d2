package storage

import (
	"bytes"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"odsd/storage/encoding"
	"odsd/storage/relation"

	"pgregory.net/rapid"
)

// The bytes are stored: a change of any of these is a new format.
func TestKeyBytes(t *testing.T) {
	const g = GenerationID(0x01020304)
	for want, got := range map[string][]byte{
		"7201020304":     AppendRowPrefix(nil, 0x01020304),
		"6901020304":     AppendIndexPrefix(nil, 0x01020304),
		"6e01020304":     AppendNodePrefix(nil, g),
		"6801020304":     AppendHiddenPrefix(nil, g),
		"6f0102030405":   AppendOrderPrefix(nil, g, 5),
		"61010203040506": AppendAccumulatorPrefix(nil, g, 5, 6),
		"64010203040506": AppendMultisetPrefix(nil, g, 5, 6),
		"780102030405":   AppendViewIndexPrefix(nil, g, 5),
		"650102030405":   AppendErrorPrefix(nil, g, 5),
		"6d666f726d6174": MetaKey("format"),
		"6673686f70":     frontierKey("shop"),
	} {
		if hex.EncodeToString(got) != want {
			t.Errorf("%x, want %s", got, want)
		}
	}
	if got := AppendNodePrefix([]byte("before"), 1); !bytes.HasPrefix(got, []byte("before")) {
		t.Error("a prefix is not appended")
	}
}

func TestPrefixEnd(t *testing.T) {
	for prefix, want := range map[string]string{"a": "b", "a\xff": "b", "a\xff\xff": "b", "ab": "ac", "\xff\xff": "", "": ""} {
		got := PrefixEnd([]byte(prefix))
		if string(got) != want || want == "" && got != nil {
			t.Errorf("%q ends at %q, want %q", prefix, got, want)
		}
	}
	rapid.Check(t, func(t *rapid.T) {
		prefix, key := []byte(rapid.StringMatching("[a-b\u00ff]{0,3}").Draw(t, "prefix")), []byte(rapid.StringMatching("[a-b\u00ff]{0,4}").Draw(t, "key"))
		if contains(prefix, PrefixEnd(prefix), key) != bytes.HasPrefix(key, prefix) {
			t.Fatalf("%q up to %q and %q", prefix, PrefixEnd(prefix), key)
		}
	})
}

// Dropping one generation takes all of it and nothing of its neighbours.
func TestDroppingAGeneration(t *testing.T) {
	s := openMemory(t)
	fill := func(c *Commit, g GenerationID) {
		for _, key := range [][]byte{
			AppendNodePrefix(nil, g), AppendOrderPrefix(nil, g, 5), AppendAccumulatorPrefix(nil, g, 0, 0), AppendMultisetPrefix(nil, g, 255, 255),
			AppendViewIndexPrefix(nil, g, 255), AppendErrorPrefix(nil, g, 3),
		} {
			c.Set(key, []byte("v"))
			c.Set(append(key, 0xFF, 0xFF, 0xFF), []byte("v"))
		}
	}
	apply(t, s, func(c *Commit) {
		fill(c, 0xFE)
		fill(c, 0x100)
		c.Set(AppendRowPrefix(nil, 0xFF), nil)
		c.Set(AppendIndexPrefix(nil, 0xFF), nil)
	})
	want := stored(t, s)
	apply(t, s, func(c *Commit) { fill(c, 0xFF) })
	apply(t, s, func(c *Commit) {
		for _, r := range GenerationRanges(0xFF) {
			c.DeleteRange(r[0], r[1])
		}
	})
	if err := samePairs(stored(t, s), want); err != nil {
		t.Error(err)
	}
}

func TestFrontiers(t *testing.T) {
	s := openMemory(t)
	at := time.Date(2024, 1, 2, 3, 4, 5, 678_000, time.FixedZone("", 3600))
	apply(t, s, func(c *Commit) {
		SetFrontier(c, "shop", Frontier{Position: 0x16_B374D848, CommittedAt: at})
		SetFrontier(c, "crm", Frontier{Position: 1})
		SetFrontier(c, "old", Frontier{Position: 2})
		SetFrontier(c, "billing", Frontier{Position: 4, Last: relation.Mark{Commit: 3, At: -5}})
		// As they were stored before there were marks:
		c.Set(frontierKey("first"), append([]byte{firstFrontier}, 0, 0, 0, 0, 0, 0, 0, 6))
		c.Set(frontierKey("second"), append([]byte{firstFrontier}, 0, 0, 0, 0, 0, 0, 0, 7, 0, 0, 0, 0, 0, 0, 0, 8))
	})
	c := s.Begin()
	defer c.Abandon()
	DeleteFrontier(c, "old")
	got, err := Frontiers(c)
	if err != nil || len(got) != 5 {
		t.Errorf("%v, %v", got, err)
	}
	for name, want := range map[string]Frontier{
		"crm": {Position: 1}, "billing": {Position: 4, Last: relation.Mark{Commit: 3, At: -5}},
		"first": {Position: 6}, "second": {Position: 7, CommittedAt: time.UnixMicro(8).UTC()},
	} {
		if got[name] != want {
			t.Errorf("%s: %+v, want %+v", name, got[name], want)
		}
	}
	shop := got["shop"]
	if shop.Position != 0x16_B374D848 || !shop.CommittedAt.Equal(at) || shop.CommittedAt.Location() != time.UTC {
		t.Errorf("%v", shop)
	}
	for _, damaged := range []string{"", "\x01", "\x02\x00\x00\x00\x00\x00\x00\x00\x00", "\x03" + strings.Repeat("\x00", 32), "\x01" + strings.Repeat("\x00", 32), "\x02" + strings.Repeat("\x00", 33)} {
		c.Set(frontierKey("shop"), []byte(damaged))
		if _, err := Frontiers(c); !errors.Is(err, encoding.ErrDamaged) {
			t.Errorf("%q: %v", damaged, err)
		}
	}
}

func TestMeta(t *testing.T) {
	s := openMemory(t)
	type document struct{ Views []string }
	apply(t, s, func(c *Commit) {
		for _, name := range []string{"view/b", "view/a", "views", "vie"} {
			if err := SetMeta(c, name, document{Views: []string{name}}); err != nil {
				t.Fatal(err)
			}
		}
		DeleteMeta(c, "vie")
		if err := SetMeta(c, "no JSON", func() {}); err == nil {
			t.Error("a function is stored")
		}
	})
	snapshot := s.Snapshot()
	defer closeOrFail(t, snapshot.Close)
	var d document
	if found, err := GetMeta(snapshot, "view/a", &d); err != nil || !found || d.Views[0] != "view/a" {
		t.Errorf("%v, %v, %v", d, found, err)
	}
	if found, err := GetMeta(snapshot, "vie", &d); err != nil || found {
		t.Errorf("a deleted document: %v, %v", found, err)
	}
	var number int
	if _, err := GetMeta(snapshot, "view/a", &number); err == nil {
		t.Error("a document is a number")
	}
	var names []string
	err := ScanMeta(snapshot, "view/", func(name string, raw []byte) error {
		names = append(names, name+string(raw))
		return nil
	})
	if want := `[view/a{"Views":["view/a"]} view/b{"Views":["view/b"]}]`; err != nil || fmt.Sprint(names) != want {
		t.Errorf("%v, %v", names, err)
	}
	stop := errors.New("stop")
	if err := ScanMeta(snapshot, "", func(string, []byte) error { return stop }); !errors.Is(err, stop) {
		t.Errorf("%v", err)
	}
}
