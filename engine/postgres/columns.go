package postgres

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"maps"
	"slices"
	"strings"
	"unicode/utf8"

	"odsd/engine"
	"odsd/storage/relation"
)

// ColumnOptions are what the configuration says of a column.
type ColumnOptions struct {
	// Exclude keeps the column at the source: neither the stream nor a copy
	// carries it.
	Exclude bool
	// Mask is what becomes of its values when they arrive, before anything is stored.
	Mask Mask
}

// Mask is a way to make values unreadable.
type Mask string

// The masks. Nulls stay null under each.
const (
	MaskNone  Mask = ""
	MaskLast4 Mask = "last4" // "****" and the last four characters
	MaskHash  Mask = "hash"  // a keyed hash: equal values stay equal
	MaskNull  Mask = "null"
)

// applyOptions leaves out what the configuration excludes, and finds what it
// says of columns that cannot be had.
func (s *Source) applyOptions(v *survey) []engine.Halt {
	var lacks []engine.Halt
	for _, t := range v.tables {
		options := s.config.Columns[t.short()]
		for _, name := range slices.Sorted(maps.Keys(options)) {
			at := slices.IndexFunc(t.columns, func(c column) bool { return c.name == name })
			switch {
			case at >= 0 && options[name].Exclude:
				lacks = append(lacks, checkExcluded(v, t, &t.columns[at])...)
				t.excluded = append(t.excluded, t.columns[at].attribute)
			case at >= 0:
				t.columns[at].setMask(options[name].Mask)
			case options[name].Exclude: // it need not be published
				t.excludeUnlisted(name)
			default:
				lacks = append(lacks, lack(t.short(), fmt.Sprintf("has no column %s that is published", quote(name)), "%s", v.publication.hintFor(t, name)))
			}
		}
		t.columns = slices.DeleteFunc(t.columns, func(c column) bool { return slices.Contains(t.excluded, c.attribute) })
		t.unreadable = slices.ContainsFunc(t.columns, func(c column) bool { return !c.readable })
	}
	for _, t := range v.tables {
		lacks = append(lacks, checkKeyPlain(t)...)
	}
	return lacks
}

// checkExcluded finds why an excluded column would leave the source all the same.
func checkExcluded(v *survey, t *table, c *column) []engine.Halt {
	message := fmt.Sprintf("column %s is excluded, ", quote(c.name))
	_, published := v.publication.tables[t.oid]
	switch {
	case v.server.version < listsSince:
		return []engine.Halt{lack(t.short(), message+fmt.Sprintf("and PostgreSQL %d cannot leave a column out of its stream", v.server.version/10000),
			"upgrade the server to PostgreSQL 15 or later, or mask the column, which odsd then does when it arrives")}
	case t.replicaIdentity == "f":
		return []engine.Halt{lack(t.short(), message+"and REPLICA IDENTITY FULL sends every column",
			"give %s a primary key, then ALTER TABLE %s REPLICA IDENTITY DEFAULT;", t.sql(), t.sql())}
	case t.identifiedBy(c.attribute):
		return []engine.Halt{lack(t.short(), message+"and it is part of the key", "capture the column, or choose another replica identity")}
	case published:
		left := *t
		left.columns = slices.DeleteFunc(slices.Clone(t.columns), func(other column) bool { return other.attribute == c.attribute })
		left.excluded = append(slices.Clone(t.excluded), c.attribute)
		p := quote(v.publication.name)
		leak := lack(t.short(), message+"and publication "+p+" publishes it",
			"ALTER PUBLICATION %s DROP TABLE %s; ALTER PUBLICATION %s ADD TABLE %s%s", p, t.sql(), p, left.listed(), t.filterToKeep())
		t.leak = &leak
		return []engine.Halt{leak}
	}
	return nil
}

// identifiedBy says whether a column is part of what tells rows apart in the stream.
func (t *table) identifiedBy(attribute int16) bool {
	for _, x := range t.indexes {
		chosen := t.replicaIdentity == "d" && x.primary || t.replicaIdentity == "i" && x.identity
		if chosen && slices.Contains(x.attributes, attribute) {
			return true
		}
	}
	return false
}

// checkKeyPlain refuses a mask on a key, under which rows could not be told apart.
func checkKeyPlain(t *table) []engine.Halt {
	key := t.key()
	if key == nil {
		return nil
	}
	for _, number := range key.attributes {
		if c := t.attribute(number); c != nil && c.mask != MaskNone {
			return []engine.Halt{lack(t.short(), fmt.Sprintf("column %s is part of the key and cannot be masked", quote(c.name)),
				"take its `mask` away, or choose another replica identity")}
		}
	}
	return nil
}

// setMask masks a column: what comes of it is text, whatever its type at the source.
func (c *column) setMask(m Mask) {
	c.mask = m
	switch m {
	case MaskLast4, MaskHash:
		c.resolved = columnType{Type: relation.TypeOf(relation.Text)}
	case MaskNull:
		c.notNull = false
	}
}

// listed is the table as a publication's list of tables names it.
func (t *table) listed() string {
	return t.sql() + t.columnList()
}

// columnList is the list of the captured columns where others are excluded; "" where none are.
func (t *table) columnList() string {
	if len(t.excluded) == 0 {
		return ""
	}
	return t.everyColumn()
}

func (t *table) everyColumn() string {
	names := make([]string, len(t.columns))
	for i, c := range t.columns {
		names[i] = quote(c.name)
	}
	return " (" + strings.Join(names, ", ") + ")"
}

// masker masks the values of one relation; by column ordinal.
type masker struct {
	masks []Mask
	key   []byte
}

// text gives what is stored of a value's text; ok is false for null.
func (m *masker) text(column int, text string) (masked string, ok bool) {
	switch m.masks[column] {
	case MaskNull:
		return "", false
	case MaskLast4:
		return last4(text), true
	case MaskHash:
		h := hmac.New(sha256.New, m.key)
		h.Write([]byte(text))
		return hex.EncodeToString(h.Sum(nil)[:16]), true
	}
	return text, true
}

// last4 shows the last four characters of what is longer than that.
func last4(text string) string {
	const hidden = "****"
	at := len(text)
	for range 4 {
		_, size := utf8.DecodeLastRuneInString(text[:at])
		at -= size
	}
	if at == 0 {
		return hidden
	}
	return hidden + text[at:]
}
