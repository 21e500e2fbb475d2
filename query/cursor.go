package query

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"strings"

	"odsd/storage/relation"
	"odsd/views"
)

// A cursor is
//
//	version │ sort key of a document │ first 16 bytes of an HMAC-SHA256
//
// in base64. The sort key is what the document is ordered by, then its key, in
// the store's encoding: the page after it needs no document to be still there. The
// HMAC covers the list as well: its view, its order and filter and the types of
// its key, so that a cursor is of no use elsewhere and one that was made up is
// told from ours. It says nothing of the generation, since a rebuilt view has
// the same keys, nor of how the list is found.
const (
	cursorVersion = 1
	cursorTag     = 16
	maxSortKey    = 48 << 10
	maxCursor     = (1+maxSortKey+cursorTag)*4/3 + 1
)

// identityOf is what cursors of a view's whole list in key order are bound to.
func identityOf(v *views.View, key []relation.Type) string {
	var b strings.Builder
	fmt.Fprintf(&b, "odsd list\x00%s\x00by key", v.Name)
	for _, t := range key {
		fmt.Fprintf(&b, "\x00%d", t.Kind.Family())
	}
	return b.String()
}

// seal makes cursors with the store's key.
type seal struct{ key []byte }

func (s seal) tag(identity string, body []byte) []byte {
	mac := hmac.New(sha256.New, s.key)
	fmt.Fprintf(mac, "%d:%s", len(identity), identity)
	mac.Write(body)
	return mac.Sum(nil)[:cursorTag]
}

// appendCursor writes the cursor of a sort key as a JSON string.
func (s seal) appendCursor(dst []byte, identity string, path []byte) []byte {
	body := append([]byte{cursorVersion}, path...)
	body = append(body, s.tag(identity, body)...)
	dst = append(dst, '"')
	dst = base64.RawURLEncoding.AppendEncode(dst, body)
	return append(dst, '"')
}

// open gives the sort key in a cursor that appendCursor made for the same list.
func (s seal) open(identity, cursor string) (path []byte, err *Error) {
	bad := failure(BadUserInput, "pass a cursor of this list as it was given", "the cursor in after is not one of this list")
	if len(cursor) > maxCursor {
		return nil, bad
	}
	raw, problem := base64.RawURLEncoding.Strict().DecodeString(cursor)
	if problem != nil || len(raw) < 1+cursorTag || raw[0] != cursorVersion {
		return nil, bad
	}
	body := raw[:len(raw)-cursorTag]
	if !hmac.Equal(s.tag(identity, body), raw[len(body):]) {
		return nil, bad
	}
	return body[1:], nil
}
